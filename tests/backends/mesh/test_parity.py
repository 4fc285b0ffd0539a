"""The engine gives Hugging Face's logits, loss, gradient and decoded ids for the same weights.

The figures of Hugging Face are kept in tests/golden, so that this holds on machines without
torch; where torch is there, they are computed anew as well.
"""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from benchmarks import outcome, parity, random_t5
from spotfw.backends.mesh.folders.convert import hf_to_mesh
from tests.places import TESTS

GOLDEN = TESTS / "golden"

_spec = importlib.util.spec_from_file_location("make_t5", GOLDEN / "make_t5.py")
assert _spec is not None
assert _spec.loader is not None
make_t5 = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_t5)

PROMPTED = pytest.mark.parametrize("prompted", [False, True], ids=["no prompt", "prompt"])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A two-layer T5 1.1 as Hugging Face's folder and as Mesh TF's."""
    place = tmp_path_factory.mktemp("two_layer")
    random_t5.write_folder(place / "hf", random_t5.TWO_LAYER, make_t5.SEED, make_t5.SHARPNESS)
    hf_to_mesh(str(place / "hf"), str(place / "mesh"))
    return place / "hf", place / "mesh"


@PROMPTED
def test_agrees_with_the_kept_figures(folders: tuple[Path, Path], prompted: bool):
    figures = json.loads(make_t5.FILE.read_text())["figures"]
    theirs = figures["prompt" if prompted else "no prompt"]
    mine = outcome.ours(folders[1], make_t5.given(), prompted=prompted, decode=make_t5.DECODE)
    ours = make_t5.kept(mine, make_t5.given())
    # The figures themselves: spread out, and another answer for each input.
    assert theirs["logits_std"] > 1
    assert len({tuple(ids) for ids in theirs["decoded"]}) == make_t5.BATCH["size"]

    apart = np.abs(np.array(ours["logits"]) - np.array(theirs["logits"])).max()
    assert apart / theirs["logits_std"] <= parity.LOGITS
    assert abs(ours["loss"] - theirs["loss"]) <= parity.LOSS
    assert ours["decoded"] == theirs["decoded"]
    if prompted:
        gradient = np.array(theirs["gradient"])
        size = np.sqrt(np.mean(gradient**2))
        assert size > 1e-3
        assert np.abs(np.array(ours["gradient"]) - gradient).max() / size <= parity.GRADIENT


@pytest.mark.slow
def test_the_prompt_is_not_left_out(folders: tuple[Path, Path]):
    plain, prompted = (
        outcome.ours(folders[1], make_t5.given(), prompted=p, decode=make_t5.DECODE)
        for p in (False, True)
    )
    assert np.abs(plain.logits - prompted.logits).max() > 0.1
    assert plain.decoded != prompted.decoded


@pytest.mark.slow
@PROMPTED
def test_agrees_with_hugging_face_on_64_inputs(folders: tuple[Path, Path], prompted: bool):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch, which is no dependency; the kept figures are tested anyway")
    pytest.importorskip("transformers")
    given = random_t5.batch(
        random_t5.TWO_LAYER, 1, size=parity.INPUTS, length=24, target_length=8, prompt_length=10
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, about their own future
        theirs = outcome.huggingface(folders[0], given, prompted=prompted, decode=12)
    mine = outcome.ours(folders[1], given, prompted=prompted, decode=12)
    apart = outcome.difference(mine, theirs, given.targets)
    assert apart.logits <= parity.LOGITS
    assert apart.loss <= parity.LOSS
    assert apart.alike == parity.INPUTS
    if prompted:
        assert apart.gradient is not None
        assert apart.gradient <= parity.GRADIENT
