"""A study of the tiny model: four tasks, a few steps each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spotfw.study.grid.declaration import Study, parse_study
from tests.settings import MOMENT

#: Keys of a study that takes a second; tasks are files beside the study's own.
DOCUMENT: dict[str, Any] = {
    "name": "small",
    "sources": ["tiny_reviews.toml", "tiny_things.toml"],
    "targets": ["tiny_words.toml"],
    "seeds": [0, 1],
    "strategies": ["best_of_top_k", "top_k_weighted_average", "top_k_multitask_mixture"],
    "ks": [1, 3],
    "oracle": True,
    "settings": MOMENT,
    "mixture": {"steps": 2},
    "generic": [
        {"name": "both", "tasks": ["tiny_reviews.toml", "tiny_things.toml"]},
        {"name": "reviews", "tasks": ["tiny_reviews.toml"]},
    ],
}


@pytest.fixture
def small_study(tiny_model: Path, spotfw_task_folder: Path) -> Callable[..., Study]:
    """Gives the study with keys changed or, where None, taken out."""

    def make(**changes: Any) -> Study:
        document = DOCUMENT | {"model": str(tiny_model)} | changes
        document = {k: v for k, v in document.items() if v is not None}
        return parse_study(document, str(spotfw_task_folder / "study.toml"))

    return make
