"""The data sets by family; each module gives `DATASETS`, a tuple of `Dataset`."""

from __future__ import annotations

import copyreg
import importlib
import importlib.util
import pickle
from collections.abc import Callable

from spotfw_paper_tasks.dataset import Dataset

#: Modules of this package, in the order of the paper's appendix B; "beyond" is not the paper's.
MODULES = (
    "nli",
    "similarity",
    "sentiment",
    "mrqa",
    "commonsense",
    "reading",
    "summarization",
    "gem",
    "released",
    "beyond",
)


def all_datasets() -> tuple[Dataset, ...]:
    """Every data set of this distribution; imports no TensorFlow."""
    return tuple(
        dataset
        for module in MODULES
        if importlib.util.find_spec(f"{__name__}.{module}") is not None
        for dataset in importlib.import_module(f"{__name__}.{module}").DATASETS
    )


def _named(name: str) -> Dataset | None:
    return next((dataset for dataset in all_datasets() if dataset.name == name), None)


def _by_name(dataset: Dataset) -> tuple[Callable[[str], Dataset | None], tuple[str]]:
    """How a data set of this distribution goes to another process: by its name."""
    if _named(dataset.name) is not dataset:
        raise pickle.PicklingError(
            f"The data set {dataset.name!r} is not one of spotfw-paper-tasks' own, and only "
            "those can go to another process."
        )
    return _named, (dataset.name,)


copyreg.pickle(Dataset, _by_name)  # type: ignore[arg-type]
