"""A prompt goes to PEFT and comes from it, and predicts there what it predicts here."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from benchmarks import outcome, parity, random_t5
from spotfw.backends.mesh.folders.convert import hf_to_mesh
from spotfw.library import Library
from spotfw.library.exchange import export_prompt, import_prompts
from spotfw.prompts import Provenance, SoftPrompt, load_prompt
from tests.places import SHARED

DECODE = 8
OFFICIAL = SHARED / "prompts" / "t5_1_1_lm100k_base"

if importlib.util.find_spec("torch") is None:
    pytest.skip("needs torch and peft, which are no dependencies", allow_module_level=True)
# Others' warnings are about their own future.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    peft = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    import torch


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A two-layer T5 1.1 as Hugging Face's folder and as Mesh TF's."""
    place = tmp_path_factory.mktemp("peft")
    random_t5.write_folder(place / "hf", random_t5.TWO_LAYER, seed=5, sharpness=3.0)
    hf_to_mesh(str(place / "hf"), str(place / "mesh"))
    return place / "hf", place / "mesh"


@pytest.fixture(scope="module")
def given() -> random_t5.Batch:
    return random_t5.batch(
        random_t5.TWO_LAYER, 6, size=6, length=12, target_length=5, prompt_length=4
    )


def opened(folder: Path) -> Any:
    return transformers.T5ForConditionalGeneration.from_pretrained(folder).float().eval()


def theirs(model: Any, given: random_t5.Batch) -> outcome.Outcome:
    """What PEFT's own forward pass and generation give for a batch."""
    inputs = torch.from_numpy(given.inputs.astype(np.int64))
    labels = torch.from_numpy(given.targets.astype(np.int64))
    mask = (inputs != 0).long()
    with torch.no_grad():
        scored = model(
            input_ids=inputs, attention_mask=mask, labels=labels.masked_fill(labels == 0, -100)
        )
        ids = model.generate(
            input_ids=inputs, attention_mask=mask, max_new_tokens=DECODE, do_sample=False
        )
    return outcome.Outcome(
        logits=scored.logits.numpy(),
        loss=float(scored.loss),
        gradient=None,
        decoded=outcome.until_end(ids[:, 1:].numpy()),
    )


def assert_alike(mine: outcome.Outcome, other: outcome.Outcome, given: random_t5.Batch) -> None:
    apart = outcome.difference(mine, other, given.targets)
    assert apart.logits <= parity.LOGITS
    assert apart.loss <= parity.LOSS
    assert mine.decoded == other.decoded


def test_exported_it_predicts_the_same(
    folders: tuple[Path, Path], given: random_t5.Batch, tmp_path: Path
) -> None:
    library = Library(tmp_path / "library")
    id = library.add(SoftPrompt(given.prompt, Provenance(task="t", model="some/t5")))
    export_prompt(library.best(id), str(tmp_path / "adapter"))
    model = peft.PeftModel.from_pretrained(opened(folders[0]), tmp_path / "adapter").eval()
    mine = outcome.ours(folders[1], given, prompted=True, decode=DECODE)
    assert_alike(mine, theirs(model, given), given)
    # A comparison that can fail: without the prompt, and with another.
    other = attrs.evolve(given, prompt=given.prompt[::-1].copy())
    for changed, prompted in ((given, False), (other, True)):
        wrong = outcome.ours(folders[1], changed, prompted=prompted, decode=DECODE)
        assert outcome.difference(wrong, mine, given.targets).logits > 100 * parity.LOGITS


@pytest.mark.parametrize("submodules", [None, 1, 2])
def test_imported_it_predicts_the_same(
    folders: tuple[Path, Path], given: random_t5.Batch, tmp_path: Path, submodules: int | None
) -> None:
    """PEFT's default for T5 is two blocks of tokens, of which its T5 uses the first."""
    config = peft.PromptTuningConfig(
        task_type="SEQ_2_SEQ_LM", num_virtual_tokens=4, num_transformer_submodules=submodules
    )
    torch.manual_seed(0)
    model = peft.get_peft_model(opened(folders[0]), config).eval()
    model.save_pretrained(tmp_path / "adapter")
    library = Library(tmp_path / "library")
    (done,) = import_prompts(library, [str(tmp_path / "adapter")])
    assert done.best.provenance.task == "adapter"
    taken = attrs.evolve(given, prompt=library.best(done.id).array)
    assert taken.prompt.shape == (4, 64)
    mine = outcome.ours(folders[1], taken, prompted=True, decode=DECODE)
    assert_alike(mine, theirs(model, given), given)


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="needs ../shared/prompts/t5_1_1_lm100k_base")
def test_the_official_prompts_load_in_peft(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    done = import_prompts(library, sorted(map(str, OFFICIAL.glob("*.npy"))))
    assert [entry.best.provenance.task for entry in done] == ["mrpc", "rte", "sst2"]
    dims = attrs.evolve(random_t5.TWO_LAYER, d_model=768)
    random_t5.write_folder(tmp_path / "hf", dims, seed=7)
    base = opened(tmp_path / "hf")
    ids = torch.tensor([[5, 6, 7, 1]])
    for entry in done:
        folder = tmp_path / entry.best.provenance.task
        export_prompt(library.best(entry.id), str(folder))
        assert load_prompt(folder).length == 100
        model = peft.PeftModel.from_pretrained(base, folder).eval()
        np.testing.assert_array_equal(
            model.get_prompt(batch_size=1)[0].detach().numpy(), library.best(entry.id).array
        )
        with torch.no_grad():
            logits = model(input_ids=ids, labels=ids).logits
        assert torch.isfinite(logits).all()
