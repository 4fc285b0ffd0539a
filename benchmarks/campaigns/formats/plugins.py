"""Installed distributions whose entry points, metadata or modules are not as they should be."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.campaigns import mutate
from benchmarks.campaigns.commands import cli
from benchmarks.campaigns.verdict import Format, Shown, WrongValue

_ENTRY = "[spotfw]\ncampaign = campaign_plugin:plugin\n\n[console_scripts]\nx = campaign_plugin:f\n"
_METADATA = "Metadata-Version: 2.1\nName: spotfw-campaign\nVersion: 1.0\n"
_MODULE = "import spotfw\n\n\nclass plugin:\n    pass\n\n\nplugin = plugin()\n"


def _place(case: Path, _: Any) -> None:
    info = case / "site" / "spotfw_campaign-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text(_ENTRY)
    (info / "METADATA").write_text(_METADATA)
    (case / "site" / "campaign_plugin.py").write_text(_MODULE)


_LINES = (
    "campaign = ",
    "campaign",
    "= campaign_plugin:plugin",
    "campaign = campaign_plugin:",
    "campaign = :plugin",
    "campaign = campaign_plugin:plugin [extra",
    "campaign = ../outside:x",
    "campaign = no_such_module:x",
    "campaign = campaign_plugin:no.such",
    "campaign = spotfw:API_VERSION",
    "campaign = sys:exit",
    "\x1b[31m = campaign_plugin:plugin",
    "a b c = campaign_plugin:plugin",
    "mesh = campaign_plugin:plugin",
    "campaign = campaign_plugin:plugin = x",
    "%(campaign)s = %(x)s",
    "campaign = " + "x." * 50_000 + "y:z",
    "campaign = 1:2",
    "campaign = a-b:c",
)


def _change(random: Random, case: Path, _: Any) -> str:
    info = case / "site" / "spotfw_campaign-1.0.dist-info"
    name = random.choice(("entry_points.txt", "entry_points.txt", "entry_points.txt", "METADATA"))
    path = info / name
    act = random.random()
    if name == "entry_points.txt" and act < 0.5:
        line = random.choice(_LINES)
        head = random.choice(("[spotfw]\n", "[spotfw]\n", "[spotfw\n", "", "[]\n", "[spotfw]x\n"))
        path.write_text(f"{head}{line}\n")
        return f"{head!r} {line[:40]!r}"
    return mutate.pick(random, path, path.read_bytes())


def _take(case: Path, _: Any) -> Shown:
    import importlib

    from spotfw.plugins import default_plugins, use_plugins

    site = str(case / "site")
    sys.path.insert(0, site)
    sys.modules.pop("campaign_plugin", None)
    importlib.invalidate_caches()
    try:
        with use_plugins(None):
            shown = cli("plugins", "list")
            helped = cli("--help")
            names = default_plugins().names("metric")
    finally:
        sys.path.remove(site)
    if shown.status or helped.status or "per_token_cosine" not in names:
        raise WrongValue(f"one bad plugin stops the others: {(shown.err + helped.err)[-200:]}")
    return Shown(0, shown.out + helped.out, shown.err + helped.err)


FORMATS = (
    Format(
        name="entry points",
        prepare=lambda _: None,
        place=_place,
        change=_change,
        take=_take,
    ),
)
