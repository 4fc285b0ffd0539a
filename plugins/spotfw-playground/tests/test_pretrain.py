"""The pre-training recipe, in small, and the bundled model."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from spotfw_playground import bundled, vocabulary
from spotfw_playground.cli import main
from spotfw_playground.cooccurrence import embeddings_from_text
from spotfw_playground.corpus import documents
from spotfw_playground.families import BY_NAME, SPECS
from spotfw_playground.pretrain import Recipe, pretrain, resized


def test_the_rate_rises_and_falls() -> None:
    recipe = Recipe()
    rates = [recipe.rate_at(step) for step in range(recipe.steps)]
    assert max(rates) == pytest.approx(recipe.rate, rel=0.01)
    assert rates.index(max(rates)) == recipe.warmup - 1
    assert rates[0] < 0.01 * recipe.rate and rates[-1] < 0.03 * recipe.rate


def test_other_widths_have_the_bundled_models_proportions() -> None:
    assert Recipe.of_width(128) == Recipe()
    small = Recipe.of_width(32, lm_steps=7)
    assert (small.d_model, small.d_ff, small.d_kv, small.num_heads) == (32, 64, 8, 4)
    assert (small.steps, small.rate) == (507, Recipe().rate)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--d-model", "30"], "30 is no multiple of 4"),
        (["--d-model", "4"], "not in the range"),
        (["--d-model", str(vocabulary.ROWS + 4)], f"8<=x<={vocabulary.ROWS}"),
        (["--corruption-steps", "9", "--lm-steps", "9", "--short"], "nothing to do in 0 steps"),
        (["--corruption-steps", "0", "--lm-steps", "0"], "nothing to do in 0 steps"),
    ],
)
def test_pretraining_of_nothing_or_of_an_odd_width_is_refused(
    tmp_path: Path, words: list[str], message: str
) -> None:
    refused = CliRunner().invoke(main, ["pretrain", "--out", str(tmp_path / "model"), *words])
    assert refused.exit_code == 2
    assert message in refused.output
    assert not (tmp_path / "model").exists()


def test_the_worlds_text_is_written_in_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    done = CliRunner().invoke(main, ["text", "--out", str(path), "-n", "5"])
    assert done.exit_code == 0, done.output
    paragraphs = path.read_text().split("\n\n")
    assert (len(paragraphs), paragraphs[-1]) == (6, "")
    assert paragraphs[:5] == [*islice(documents("0 text"), 5)]
    refused = CliRunner().invoke(main, ["text", "--out", str(path / "text.txt"), "-n", "5"])
    assert refused.exit_code == 1
    assert "Could not write" in refused.output


def test_embeddings_put_words_of_equal_company_together() -> None:
    texts = [[3, 5 + i % 2, 4] for i in range(200)] + [[7, 8 + i % 2, 4, 7] for i in range(200)]
    table = embeddings_from_text(texts, rows=128, width=16)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    assert np.sqrt((table**2).mean()) == pytest.approx(1, abs=1e-3)
    assert unit[5] @ unit[6] > unit[5] @ unit[8]


def test_resizing_multiplies_what_the_residual_stream_adds_up() -> None:
    names = ("shared/embedding", "encoder/a/SelfAttention/o", "decoder/a/DenseReluDense/wo/kernel")
    kept = ("encoder/a/SelfAttention/q", "decoder/logits/kernel", "encoder/rms_norm/scale")
    values = {name: np.full((2, 2), 0.5, np.float32) for name in names + kept}
    made = resized(values, 8.0)
    assert all((made[name] == 8.0).all() for name in names)
    assert all((made[name] == 0.5).all() for name in kept)


def test_the_packed_model_is_small() -> None:
    if not bundled.PACKED.exists():
        pytest.skip("the model is not packed in this checkout")
    sizes = {path.name: path.stat().st_size for path in bundled.PACKED.iterdir()}
    assert {"config.json", "model.safetensors", "spiece.model", "README.md"} <= set(sizes)
    assert sum(sizes.values()) <= 4_000_000


def test_the_demo_names_tasks_there_are() -> None:
    for name in bundled.DEMO.sources:
        assert BY_NAME[name].is_source
    for name in bundled.DEMO.targets:
        assert not BY_NAME[name].is_source


@pytest.mark.slow
def test_pretraining_learns_and_writes_a_usable_model(tmp_path: Path) -> None:
    from spotfw.backends.mesh.engine import open_model

    recipe = Recipe(
        d_model=32,
        d_ff=64,
        d_kv=16,
        num_heads=2,
        corruption_steps=20,
        lm_steps=60,
        batch=16,
        warmup=10,
    )
    messages: list[str] = []
    log = pretrain(tmp_path, recipe, report=messages.append)
    assert log["held_out"][-1]["lm"] < log["held_out"][0]["lm"]
    model = open_model(str(tmp_path / "mesh"))
    assert model.rows == vocabulary.ROWS
    assert np.sqrt((model.embeddings**2).mean()) == pytest.approx(recipe.embedding_size, rel=1e-4)
    for spec in SPECS:
        for label in spec.labels:
            assert len(model.vocabulary.encode(label)) <= 2
    assert model.vocabulary.decode(model.vocabulary.encode("Good film")) == "good film"
    assert (tmp_path / "huggingface" / "model.safetensors").exists()
