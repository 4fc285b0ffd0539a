"""The campaigns of mutated input, by name."""

from __future__ import annotations

from benchmarks.campaigns.formats import (
    indices,
    libraries,
    models,
    plugins,
    prompts,
    runs,
    studies,
    tasks,
)
from benchmarks.campaigns.verdict import Format

FORMATS: dict[str, Format] = {
    campaign.name: campaign
    for module in (prompts, libraries, indices, runs, studies, tasks, models, plugins)
    for campaign in module.FORMATS
}
