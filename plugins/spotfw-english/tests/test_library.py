"""The released library is whole, of this model, and its card names where it comes from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import spotfw
from spotfw.library import Entry, ReleasedLibrary
from spotfw.plugins import default_plugins
from spotfw_english.bundled import LIBRARY, PACKED, SETTINGS, english_model

#: Data sets of the study whose terms forbid commercial use, or allow research only.
NOT_SHIPPED = ("qqp", "ag_news", "yelp", "dream", "wic", "multirc", "record")

#: Learned on unlabelled text.
PREFIX_LM = "wikipedia_prefix_lm"


@pytest.fixture(scope="module")
def library() -> ReleasedLibrary:
    return ReleasedLibrary(str(LIBRARY), "english")


@pytest.fixture(scope="module")
def entries(library: ReleasedLibrary) -> list[Entry]:
    return library.entries()


def test_it_has_three_seeds_of_at_least_twelve_tasks(entries: list[Entry]) -> None:
    seeds = Counter(entry.provenance.task for entry in entries)
    assert len(seeds) >= 12 and set(seeds.values()) == {3}
    assert not [task for task in seeds if any(name in str(task) for name in NOT_SHIPPED)]
    assert sum(path.stat().st_size for path in LIBRARY.iterdir()) < 4_000_000


def test_every_file_is_sound_and_of_this_model(
    library: ReleasedLibrary, entries: list[Entry]
) -> None:
    from spotfw.backends.mesh.folders.hf_model import HFModel

    assert library.verify() == [] == library.leftovers()
    fingerprint = HFModel(str(PACKED)).fingerprint
    for entry in entries:
        assert entry.provenance.fingerprint == fingerprint
        assert (entry.length, entry.width) == (SETTINGS["prompt_length"], 384)
        key = library.embedding(entry.id)
        assert key.provenance.fingerprint == fingerprint
        assert (key.provenance.step or 0) < 1200
        assert np.isfinite(key.array).all()


def test_every_prompt_says_its_data_and_what_is_reached_without_a_model(
    entries: list[Entry],
) -> None:
    for entry in entries:
        extra = entry.provenance.extra
        assert extra["licence_of_data"] and extra["citation"] and extra["training_rows"]
        if entry.provenance.labels:
            assert set(extra["baselines"]) == {"majority", "bag_of_words"}
        if entry.provenance.task == PREFIX_LM:
            # Its loss is no score to be set beside accuracies.
            assert set(extra["baselines"]) == {"bag_of_words"}
            assert set(entry.provenance.metrics) == {"loss"} and entry.provenance.score is None
        else:
            assert entry.provenance.score is not None


def test_the_card_has_each_data_set_with_licence_and_citation(entries: list[Entry]) -> None:
    card = (LIBRARY / "README.md").read_text()
    for entry in entries:
        line = next(line for line in card.splitlines() if f"`{entry.provenance.task}`" in line)
        assert entry.provenance.extra["licence_of_data"] in line
        assert entry.provenance.extra["citation"] in line


def test_sessions_and_commands_have_it_by_the_models_name(entries: list[Entry]) -> None:
    session = spotfw.Session("english")
    assert len(session.library.entries()) == len(entries)
    assert english_model().library == str(LIBRARY)
    assert default_plugins().model("english").library == str(LIBRARY)


def test_the_folder_holds_nothing_else() -> None:
    assert all(p.suffix == ".safetensors" or p.name == "README.md" for p in Path(LIBRARY).iterdir())
