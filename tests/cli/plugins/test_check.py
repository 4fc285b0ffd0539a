"""``spotfw plugins check`` runs the suites on what a distribution gives."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest

import spotfw
from spotfw.contracts import NamedModel
from spotfw.errors import WrongUse
from spotfw.plugins.builtin.metrics import PerTokenCosine


class Nameless(PerTokenCosine):
    name = "two_shapes"

    def compare(self, query: Any, stack: Any) -> Any:
        return super().compare(query, stack)[:, None]


class Wants:
    """An initializer that wants what nobody can guess."""

    name = "wants"

    def __call__(self, context: Any, rng: np.random.Generator) -> Any:
        raise WrongUse("The initializer wants needs a colour.")


@click.command()
def greet() -> None:
    """Says hello."""


@pytest.fixture
def installed(spotfw_plugins, monkeypatch):
    """Registers a plugin of hooks for the distribution spotfw-toys."""

    def call(**hooks: Any) -> None:
        marked = {name: spotfw.hookimpl(function) for name, function in hooks.items()}
        spotfw_plugins.register(
            SimpleNamespace(**marked), "toys", distribution="spotfw-toys", version="1.0"
        )

    return call


def test_each_component_has_a_line(installed, spotfw_cli):
    installed(
        spotfw_similarity_metrics=lambda: [PerTokenCosine(), Nameless()],
        spotfw_commands=lambda: [greet],
    )
    ran = spotfw_cli("plugins", "check", "spotfw_toys")
    assert ran.status == 1
    lines = ran.out.splitlines()
    assert lines[0].startswith("passed  metric per_token_cosine  (12 checks)")
    assert lines[1].startswith("failed  metric two_shapes")
    assert any(line.strip().startswith("shapes: expected compare to give") for line in lines)
    assert lines[-1].startswith("passed  command greet")
    assert "2 passed, 1 failed" in ran.err


def test_json_is_one_document(installed, spotfw_cli):
    installed(spotfw_similarity_metrics=lambda: [PerTokenCosine()])
    ran = spotfw_cli("plugins", "check", "spotfw-toys", "--json")
    assert ran.status == 0
    document = json.loads(ran.out)
    assert (document["distribution"], document["conforms"]) == ("spotfw-toys", True)
    (row,) = document["components"]
    assert (row["kind"], row["name"], row["status"]) == ("metric", "per_token_cosine", "passed")
    assert {"check": "symmetry", "status": "passed", "said": ""} in row["checks"]


def test_models_are_looked_at(installed, spotfw_cli):
    good = NamedModel(name="good", folder=str, description="A model", settings={"steps": 9})
    bad = NamedModel(name="bad", folder=str, settings={"stepz": 9})
    installed(spotfw_models=lambda: [good, bad])
    ran = spotfw_cli("plugins", "check", "spotfw-toys")
    assert ran.status == 1
    assert "passed  model good" in ran.out
    assert "expected a description" in ran.out
    assert "stepz" in ran.out


def test_an_initializer_that_wants_an_argument_is_left_out(installed, spotfw_cli):
    installed(spotfw_prompt_initializers=lambda: [Wants()])
    ran = spotfw_cli("plugins", "check", "spotfw-toys")
    assert ran.status == 0
    assert ran.out.startswith("skipped initializer wants")
    assert "needs a colour" in ran.out


def test_faults_of_loading_are_failures(installed, spotfw_cli):
    installed(spotfw_similarity_metrics=lambda: 1 / 0)
    ran = spotfw_cli("plugins", "check", "spotfw-toys")
    assert ran.status == 1
    assert "failed  plugin toys" in ran.out
    assert "ZeroDivisionError" in ran.out


def test_quick_opens_no_model(spotfw_plugins, spotfw_cli):
    document = json.loads(spotfw_cli("plugins", "check", "spotfw", "--quick", "--json").out)
    states = {(row["kind"], row["name"]): row["status"] for row in document["components"]}
    assert document["conforms"]
    assert states["backend", "mesh"] == "skipped"
    assert states["initializer", "text"] == "passed"


def test_what_is_not_installed(spotfw_plugins, spotfw_cli):
    ran = spotfw_cli("plugins", "check", "spotfw-toyz")
    assert (ran.status, ran.out) == (2, "")
    assert "spotfw-toyz" in ran.err
