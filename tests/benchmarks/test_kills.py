"""A real process, really killed: `benchmarks.kills` on the tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import kills


@pytest.mark.slow
def test_killed_and_resumed_it_is_as_never_killed(
    tiny_model: Path, tiny_task_file: Path, tmp_path: Path
) -> None:
    options = (
        "--steps 60 --checkpoint-every 10 --batch-size 8 --prompt-length 4 "
        "--max-input-length 16 --max-target-length 4 --embedding-step 50"
    )
    trial = kills.Trial(model=str(tiny_model), task=str(tiny_task_file), options=options.split())
    rows = list(kills.trials(trial, tmp_path, kills=1, seed=0))
    assert len(rows) == 1
    assert all(row.holds for row in rows), rows
    # A comparison that can fail.
    best = tmp_path / "killed-0" / "best.safetensors"
    data = bytearray(best.read_bytes())
    data[-1] ^= 1
    best.write_bytes(bytes(data))
    assert kills.differing(tmp_path / "undisturbed", tmp_path / "killed-0") == ["best"]
