"""What this distribution gives to spotfw."""

from __future__ import annotations

from collections.abc import Iterable

from spotfw.contracts import NamedModel, TaskSource
from spotfw.hookspecs import hookimpl


@hookimpl
def spotfw_models() -> Iterable[NamedModel]:
    from spotfw_english.bundled import english_model

    return [english_model()]


@hookimpl
def spotfw_task_sources() -> Iterable[TaskSource]:
    from spotfw_english.source import EnglishSource

    return [EnglishSource()]
