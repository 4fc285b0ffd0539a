"""What this is, which plugin API it speaks, and where modules are that have moved.

A module that has moved can be imported by its old path for two more minor versions: importing
`spotfw` registers a finder that gives the module itself, under both names, and warns.
"""

from __future__ import annotations

import sys
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

__version__ = "0.1.0"

#: Of the hooks and contracts a plugin relies on; docs/plugins/policy.md says what may change.
API_VERSION = "1.1"

#: The version in which the paths of `MOVED` end.
MOVED_UNTIL = "0.4"

#: Old path -> new path, both below `spotfw`. What lies below an old path is below the new one,
#: unless it stands here itself.
MOVED = {
    "batches": "tasks.batches",
    "bindings": "tasks.bindings",
    "builtin": "plugins.builtin",
    "candidates": "contracts.candidates",
    "components": "plugins.parts",
    "demo": "study.demo",
    "demo_workers": "study.demo",
    "display": "cli.display",
    "exchange": "library.exchange",
    "fitness": "plugins.fitness",
    "folder_lock": "files",
    "library_archive": "library.archive",
    "library_check": "library.check",
    "library_index": "library.index",
    "loading": "plugins.loading",
    "mixtures": "tasks.mixtures",
    "named_models": "contracts.models",
    "part_settings": "plugins.settings",
    "plugin_rows": "plugins.rows",
    "plugin_template": "plugins.template",
    "prompt_files": "prompts.bytes",
    "provenance": "prompts.provenance",
    "racing": "recipe.racing",
    "ranking_scores": "ranking.scores",
    "report": "study.report",
    "retrieval": "library.retrieval",
    "run_names": "recipe.run_names",
    "runs": "recipe.run_folder",
    "session": "recipe.session",
    "starts": "recipe.starts",
    "tensorboard": "recipe.tensorboard",
    "transfer": "recipe.transfer",
    "tuning": "recipe.tuning",
    "backends.mesh.checkpoint": "backends.mesh.folders.checkpoint",
    "backends.mesh.convert": "backends.mesh.folders.convert",
    "backends.mesh.describe": "backends.mesh.folders.describe",
    "backends.mesh.examples": "tasks.examples",
    "backends.mesh.hf_folder": "backends.mesh.folders.hf_folder",
    "backends.mesh.hf_names": "backends.mesh.folders.hf_names",
    "backends.mesh.preview": "tasks.preview",
    "backends.mesh.scoring": "backends.mesh.decoding",
    "backends.mesh.survey": "tasks.survey",
    "backends.mesh.task_metrics": "tasks.scores",
    "backends.mesh.vocabulary": "backends.mesh.folders.vocabulary",
    "builtin.sources.bound_rows": "tasks.rows.bound",
    "builtin.sources.column_kinds": "tasks.rows.kinds",
    "builtin.sources.getting_data": "tasks.rows.getting",
    "builtin.sources.mixture_file": "tasks.tables.mixtures",
    "builtin.sources.row_account": "tasks.rows.account",
    "builtin.sources.seqio_copy": "tasks.seqio.copy",
    "builtin.sources.seqio_mixture": "tasks.seqio.mixture",
    "builtin.sources.seqio_registry": "tasks.t5.registry",
    "builtin.sources.seqio_rows": "tasks.seqio.source",
    "builtin.sources.seqio_t5": "tasks.t5.build",
    "builtin.sources.seqio_tasks": "tasks.t5.others",
    "builtin.sources.t5_catalogue": "tasks.t5.catalogue",
    "builtin.sources.t5_entry": "tasks.t5.entry",
    "builtin.sources.t5_faults": "tasks.t5.faults",
    "builtin.sources.t5_glue": "tasks.t5.glue",
    "builtin.sources.t5_rows": "tasks.t5.rows",
    "builtin.sources.table": "tasks.tables.source",
    "builtin.sources.table_definition": "tasks.tables.definition",
    "builtin.sources.table_files": "tasks.rows.records",
    "builtin.sources.table_metrics": "tasks.tables.answers",
    "builtin.sources.table_rows": "tasks.tables.rows",
    "builtin.sources.table_template": "tasks.tables.template",
    "builtin.sources.task_document": "tasks.tables.document",
    "study.arithmetic": "study.findings.arithmetic",
    "study.cells": "study.grid.cells",
    "study.comparison": "study.work.comparison",
    "study.costs": "study.grid.costs",
    "study.coverage": "study.findings.coverage",
    "study.declaration": "study.grid.declaration",
    "study.ledger": "study.grid.ledger",
    "study.likeness": "study.findings.likeness",
    "study.paper_tables": "study.findings.paper_tables",
    "study.planning": "study.grid.planning",
    "study.results": "study.work.results",
    "study.running": "study.work.running",
    "study.schedule": "study.grid.schedule",
    "study.tables": "study.findings.tables",
    "study.tuner": "study.work.tuner",
    "study.workers": "plugins.builtin.executors",
}

_ROOT = "spotfw."


def moved_to(path: str) -> str | None:
    """Where the module of an old path ``spotfw...`` is now, None for any other path."""
    if not path.startswith(_ROOT):
        return None
    old, rest = path.removeprefix(_ROOT), ""
    while old:
        if old in MOVED:
            return f"{_ROOT}{MOVED[old]}{rest}"
        old, _, last = old.rpartition(".")
        rest = f".{last}{rest}"
    return None


class _OldPaths:
    """Finds the modules of `MOVED` by their old paths, for `sys.meta_path`."""

    def find_spec(
        self, path: str, below: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        new = moved_to(path)
        if new is None:
            return None
        from importlib.machinery import ModuleSpec
        from importlib.util import find_spec

        if find_spec(new) is None:
            return None
        # One that was a package goes on as one, so that what lay below it is asked for here.
        was_package = any(old.startswith(path.removeprefix(_ROOT) + ".") for old in MOVED)
        return ModuleSpec(path, _Alias(new), is_package=was_package)  # type: ignore[arg-type]


class _Alias:
    """Loads, in place of a module at an old path, the one at the new path."""

    def __init__(self, new: str) -> None:
        self._new = new
        self._spec: Any = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        import importlib

        _warn(
            f"{spec.name} has moved to {self._new}, and its old path ends with spotfw "
            f"{MOVED_UNTIL}. Import {self._new} instead."
        )
        module = importlib.import_module(self._new)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has put the old path's in its place


def _warn(message: str) -> None:
    """Warns at the line that imports, which lies above the import system's own frames."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith((__name__, "importlib")):
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        DeprecationWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__", ""),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def answer_old_paths() -> None:
    """Makes the paths of `MOVED` importable in this process."""
    if not any(isinstance(finder, _OldPaths) for finder in sys.meta_path):
        # Before those that look into folders: they would load a module's file a second time.
        sys.meta_path.insert(0, _OldPaths())
