"""spotfw models: list, show, convert."""

from __future__ import annotations

import json
import types
from pathlib import Path

from spotfw.contracts import NamedModel
from spotfw.hookspecs import hookimpl


def test_list_is_one_json_document(spotfw_cli):
    ran = spotfw_cli("models", "list", "--json")
    assert ran.status == 0
    rows = {row["name"]: row for row in json.loads(ran.out)}
    assert {"name", "description", "settings", "origin"} <= set(rows["t5.1.1.lm100k.base"])
    assert "t5.1.1.lm100k.base" in spotfw_cli("models", "list").out


def test_show_tells_what_is_in_a_checkpoint(spotfw_cli, tiny_model: Path):
    facts = json.loads(spotfw_cli("models", "show", tiny_model, "--json").out)
    assert facts["kind"] == "mesh"
    assert facts["step"] == 1000
    assert (facts["d_model"], facts["d_ff"], facts["num_heads"], facts["d_kv"]) == (16, 32, 2, 8)
    assert (facts["encoder_layers"], facts["decoder_layers"]) == (1, 1)
    assert facts["vocabulary_size"] == 128
    assert 0 < facts["pieces"] <= 128
    assert len(facts["fingerprint"]) == 32
    assert facts["settings"] == {}
    text = spotfw_cli("models", "show", tiny_model).out
    assert facts["fingerprint"] in text
    assert f"{facts['parameters']:,}" in text


def test_show_tells_the_settings_of_a_model_by_name(spotfw_cli, plugins, tiny_model: Path):
    named = NamedModel(name="small", folder=lambda: tiny_model, settings={"steps": 7})
    part = types.SimpleNamespace(spotfw_models=hookimpl(lambda: [named]))
    plugins.register(part, "small")
    facts = json.loads(spotfw_cli("models", "show", "small", "--json").out)
    assert facts["settings"] == {"steps": 7}
    assert "steps 7" in spotfw_cli("models", "show", "small").out


def test_convert_goes_there_and_back(spotfw_cli, tiny_model: Path, tmp_path: Path):
    mesh = json.loads(spotfw_cli("models", "show", tiny_model, "--json").out)
    ran = spotfw_cli("models", "convert", tiny_model, tmp_path / "hf")
    assert ran.status == 0
    assert ran.out == ""
    assert mesh["fingerprint"] in ran.err
    shown = json.loads(spotfw_cli("models", "show", tmp_path / "hf", "--json").out)
    assert shown["kind"] == "huggingface"
    assert shown["parameters"] == mesh["parameters"]
    ran = spotfw_cli("models", "convert", tmp_path / "hf", tmp_path / "mesh", "--json")
    assert json.loads(ran.out)["fingerprint"] == mesh["fingerprint"]


def test_what_is_wrong_is_one_paragraph(spotfw_cli, tiny_model: Path, tmp_path: Path):
    for status, words, message in (
        (1, ("show", tmp_path), "holds no checkpoint"),
        (1, ("show", tmp_path / "absent"), "does not exist"),
        (2, ("show", "t5.1.1.lm100k.bas"), "Did you mean"),
        (1, ("convert", tiny_model, tiny_model), "not empty"),
        (1, ("convert", tmp_path / "absent", tmp_path / "x"), "does not exist"),
    ):
        ran = spotfw_cli("models", *words)
        assert ran.status == status, ran.err
        assert message in ran.err
        assert ran.out == ""
        assert len(ran.err.strip().splitlines()) == 1
