"""The released LM-adapted T5 1.1 models by name (paper 2.1.1; Lester et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from spotfw.contracts import NamedModel
from spotfw.hookspecs import hookimpl

#: Size -> parameters, in the order of the paper.
SIZES = {"small": "77M", "base": "248M", "large": "783M", "xl": "2.8B", "xxl": "11B"}
_BUCKET = "gs://t5-data/pretrained_models"


def _folder(name: str) -> str:
    return f"{_BUCKET}/{name}"


@hookimpl
def spotfw_models() -> Iterable[NamedModel]:
    for size, parameters in SIZES.items():
        name = f"t5.1.1.lm100k.{size}"
        yield NamedModel(
            name=name,
            folder=partial(_folder, name),
            description=f"T5 1.1 {size}, {parameters} parameters, LM-adapted for 100,000 steps",
        )
