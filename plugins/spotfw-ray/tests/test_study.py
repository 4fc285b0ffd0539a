"""A study on a cluster, interrupted and resumed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import attrs
import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install ./plugins/spotfw-ray")

from spotfw import study
from spotfw.testing import write_tiny_model, write_tiny_tasks

pytestmark = pytest.mark.slow

STUDY = """
name = "on_ray"
model = {model}
sources = ["tiny_reviews.toml", "tiny_things.toml"]
targets = ["tiny_words.toml"]
seeds = [0, 1]
strategies = ["best_of_top_k"]
ks = [1]
[settings]
steps = 40
checkpoint_every = 10
embedding_step = 10
prompt_length = 4
batch_size = 8
max_input_length = 16
max_target_length = 4
eval_batch_size = 20
"""


def _rows(folder):
    rows = study.read_rows(str(folder))
    return [attrs.evolve(r, wall_seconds=None, cpu_seconds=None, created="") for r in rows]


def test_a_study_interrupted_and_resumed_on_a_cluster(cluster, tmp_path):
    write_tiny_tasks(tmp_path)
    declared, out = tmp_path / "study.toml", tmp_path / "out"
    declared.write_text(STUDY.format(model=json.dumps(str(write_tiny_model(tmp_path / "model")))))
    here = tmp_path / "here"
    assert not study.run(study.read_study(str(declared)), str(here), workers=0).failed

    def begun(verb):
        words = [sys.executable, "-m", "spotfw", "study", verb, str(declared), "--out", str(out)]
        words += ["--executor", f"ray:address={cluster.address},workers=2"]
        words += ["--resource", "memory=1e6", "--resource", "memory=1e3/tuning"]
        return subprocess.Popen(
            words,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # Where the tests run in the background of a script, interrupts are ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def ended():
        return len(list((out / "cells").glob("*.json")))

    first = begun("run")
    while not ended() and first.poll() is None:
        time.sleep(0.02)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate()
    assert first.returncode == 130, said
    assert "Traceback" not in said
    seen = {path: path.stat().st_mtime_ns for path in (out / "cells").glob("*.json")}
    assert 0 < len(seen) < len(study.plan(study.read_study(str(declared)), str(out)).cells)

    again = begun("resume")
    _, said = again.communicate()
    assert again.returncode == 0, said
    assert all(path.stat().st_mtime_ns == written for path, written in seen.items())
    assert _rows(out) == _rows(here)
