"""What this distribution gives to spotfw."""

from __future__ import annotations

from collections.abc import Iterable

from spotfw.contracts import NamedModel
from spotfw.hookspecs import hookimpl


@hookimpl
def spotfw_models() -> Iterable[NamedModel]:
    from spotfw_english.bundled import english_model

    return [english_model()]
