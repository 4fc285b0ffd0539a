"""What this distribution gives to spotfw."""

from __future__ import annotations

from collections.abc import Iterable

import spotfw_metrics as given
from spotfw.contracts import SimilarityMetric
from spotfw.hookspecs import hookimpl

#: Versions of the plugin API that this is made for.
spotfw_api = ">=1,<2"


@hookimpl
def spotfw_similarity_metrics() -> Iterable[SimilarityMetric]:
    return [getattr(given, name)() for name in given.__all__]
