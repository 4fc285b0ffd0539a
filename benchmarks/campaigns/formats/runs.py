"""Run folders: the record, the state with its history, checkpoints and results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.campaigns import mutate
from benchmarks.campaigns.commands import cli
from benchmarks.campaigns.formats.prompts import header_changed
from benchmarks.campaigns.verdict import Format, Shown, WrongValue

_RUN = {
    "task": "reviews",
    "model": "tiny",
    "fingerprint": "0123456789abcdef",
    "precision": "float32",
    "initializer": "sampled_vocab",
    "settings": {"steps": 40, "prompt_length": 6, "seed": 0, "learning_rate": 0.3},
    "versions": {"spotfw": "0.1.0", "python": "3.11.7"},
}
_STEPS = (10, 20, 30)


def _prepare(folder: Path) -> Path:
    from spotfw.contracts import TuningState
    from spotfw.prompts import Provenance, SoftPrompt
    from spotfw.recipe.run_folder import RunFolder, Scored

    place = folder / "run"
    random = np.random.default_rng(0)
    history: list[Scored] = []
    with RunFolder(str(place)) as run:
        run.begin(_RUN, resume=False)
        for step in _STEPS:
            array = random.normal(size=(6, 16)).astype(np.float32)
            slots = {"vr": np.ones(6, np.float32), "vc": np.ones(16, np.float32)}
            history.append(
                Scored(step=step, loss=1.0, score=50.0 + step, metrics={"accuracy": 50.0 + step})
            )
            origin = Provenance(task="reviews", model="tiny", step=step, score=50.0 + step)
            run.save(
                TuningState(step=step, prompt=array, slots=slots),
                SoftPrompt(array, origin),
                history,
            )
        run.finish(30, 10)
    return place


def _place(case: Path, sound: Path) -> None:
    shutil.copytree(sound, case / "run")


def _change(random: Random, case: Path, sound: Path) -> str:
    names = ("run.json", "run.json", "state.safetensors", "state.safetensors")
    name = random.choice(
        (*names, "best.safetensors", "embedding.safetensors", "checkpoints/step-000020.safetensors")
    )
    path, data = case / "run" / name, (sound / name).read_bytes()
    act = random.random()
    if name == "run.json" and act < 0.7:
        text, what = mutate.json_text(random, json.loads(data))
        path.write_bytes(text)
        return f"run.json: {what}"
    if name == "state.safetensors" and act < 0.5:
        changed, what = _history(random, data)
        path.write_bytes(changed)
        return f"history: {what}"
    if name.endswith(".safetensors") and act < 0.7:
        changed, what = header_changed(random, data)
        path.write_bytes(changed)
        return f"{name}: {what}"
    return mutate.pick(random, path, data)


def _history(random: Random, data: bytes) -> tuple[bytes, str]:
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    inner = header["__metadata__"]
    if random.random() < 0.3:
        inner["step"] = random.choice(("-1", "1e3", "999999999999", "", "x", "9" * 5000, "\u0661"))
        what = f"step {inner['step'][:20]!r}"
    else:
        text, what = mutate.json_text(random, json.loads(inner["history"]))
        inner["history"] = text.decode("utf-8", "surrogatepass")
    new = json.dumps(header).encode("utf-8", "surrogatepass")
    new += b" " * (-len(new) % 8)
    return len(new).to_bytes(8, "little") + new + data[8 + size :], what


def _take(case: Path, _: Any) -> Shown:
    """As a resumed tuning goes on: read the state, compare the record, take the results."""
    from spotfw.recipe.run_folder import RunFolder

    shown = cli("library", "import", case / "run", "--library", case / "library")
    with RunFolder(str(case / "run")) as run:
        saved = run.load()
        run.begin(_RUN, resume=True)
        if saved is None:
            raise_if_trained(case)
            return shown
        state, history = saved
        steps = [entry.step for entry in history]
        sound = (
            steps
            and steps == sorted(set(steps))
            and all(type(n) is int and n > 0 for n in steps)
            and state.step == steps[-1]
            and np.isfinite(np.asarray(state.prompt, np.float64)).all()
            and state.prompt.ndim == 2
            and all(_number(entry.score) and _number(entry.loss) for entry in history)
        )
        if not sound:
            raise WrongValue("a state with impossible steps, scores or numbers is gone on with")
        best = max(history, key=lambda entry: (entry.score, -entry.step))
        run.finish(best.step, history[0].step)
    return shown


def raise_if_trained(case: Path) -> None:
    """Nothing was begun, says the folder: then nothing trained may lie there."""
    if (case / "run" / "best.safetensors").exists():
        raise WrongValue("a trained result whose state is missing counts as not begun")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


FORMATS = (
    Format(
        name="run folder",
        prepare=_prepare,
        place=_place,
        change=_change,
        take=_take,
        share=1.5,
    ),
)
