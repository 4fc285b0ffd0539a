"""Whether a study can be run here: what is refused once, before any worker starts."""

from __future__ import annotations

from collections.abc import Iterable

from spotfw import files
from spotfw.contracts import Backend
from spotfw.contracts.jobs import Executor
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.plugins.models import (
    BUILT_IN,
    choose_backend,
    folder_kinds,
    missing_package,
    reads_kind,
    weight_engines,
)
from spotfw.study.grid import ledger
from spotfw.study.grid.model_cells import WeightsCell
from spotfw.study.grid.planning import Plan
from spotfw.study.work.weights import engine

#: Executors whose workers have what is installed here; others' may be machines that have more.
_HERE = ("processes", "in_process")


def check_ready(plan: Plan, executor: Executor, plugins: Plugins, *, begun: bool = False) -> None:
    """Refuses a study that cannot go on here; opens no model and writes nothing.

    Args:
      plan: as it is laid out now.
      executor: what is to do its tunings.
      plugins: what is installed.
      begun: refuse a study that was not begun.

    Raises:
      WrongUse: it was not begun, or with other settings; or the folder holds other things.
      SpotError: an engine that it needs is not installed, or the folder's record is damaged.
    """
    if begun and not ledger.is_begun(plan.folder):
        raise WrongUse(
            f"There is no study to resume in {plan.folder}. Begin it with `spotfw study run`, or "
            "name its folder with --out."
        )
    ledger.check(plan.folder, plan.study, plan.resolved)
    if executor.name in _HERE:
        check_engines(plan, plugins)


def check_engines(plan: Plan, plugins: Plugins) -> None:
    """Refuses a study with something to do whose engine is not installed here.

    Raises:
      SpotError: the first model's engine lacks a package; the message says what to install.
      WrongUse: no engine that is installed tunes weights, and the study does.
    """
    given = plan.study.open.get("backend")
    for model, weights in _models(plan):
        if given is not None:
            name = given
        elif weights:
            name = engine(model, files.join(plan.folder, "runs"), plugins)
        else:
            name = choose_backend(model, plugins)
        backend = plugins.backend(name)
        package = missing_package(backend)
        if package is not None:
            raise SpotError(
                f"The study {plan.study.place} opens {model} with the engine {backend.name}, "
                f"which needs the package {package}, and that is not installed here. "
                f"{_install(backend, package)}{_instead(plan, plugins)}."
            )
        if _only_hugging_face(model, plugins) and reads_kind(backend) == BUILT_IN:
            raise SpotError(
                f"The study {plan.study.place} opens {model} with the engine {backend.name}, "
                f"which does not read such a folder of Hugging Face's. {_reader(plugins)}; or "
                "convert it with `spotfw models convert SRC DST`, and name the folder that it "
                "makes."
            )


def _models(plan: Plan) -> Iterable[tuple[str, bool]]:
    """The models of what is left, and whether their weights are tuned."""
    return dict.fromkeys(
        (cell.weights or cell.model, True) if isinstance(cell, WeightsCell) else (cell.model, False)
        for cell in plan.todo
    )


def _install(backend: Backend, package: str) -> str:
    if backend.name == BUILT_IN:
        return 'Install it with `pip install "spotfw[mesh]"`, on Python 3.10 or 3.11'
    return f"Install it with `pip install {package}`"


def _reader(plugins: Plugins) -> str:
    """How to come by an engine that reads Hugging Face's folders."""
    for backend in plugins.backends():
        package = missing_package(backend)
        if reads_kind(backend) == "huggingface" and package is not None:
            return f"{_install(backend, package)}, for the engine {backend.name}"
    return "Name one that does as backend under [open]"


def _instead(plan: Plan, plugins: Plugins) -> str:
    """What to change for an engine that is here, as a clause behind a semicolon, or nothing."""
    usable = [b for b in plugins.backends() if missing_package(b) is None]
    if plan.study.model_tunings:
        able = weight_engines(plugins)
        usable = [backend for backend in usable if backend.name in able]
    models = dict.fromkeys(model for model, _ in _models(plan))
    for backend in usable:
        if all(_opens(backend, model, plugins) for model in models):
            return f'; or set backend = "{backend.name}" under [open], for that engine is here'
    folders = [model for model in models if _only_hugging_face(model, plugins)]
    if folders and any(backend.name == BUILT_IN for backend in usable):
        return (
            f'; or set backend = "{BUILT_IN}" under [open], for that engine is here, and name a '
            f"Mesh TF folder in place of {', '.join(folders)} (`spotfw models convert SRC DST` "
            "makes one)"
        )
    return ""


def _opens(backend: Backend, model: str, plugins: Plugins) -> bool:
    kinds = folder_kinds(model, plugins)
    return kinds is None or reads_kind(backend) in kinds


def _only_hugging_face(model: str, plugins: Plugins) -> bool:
    return folder_kinds(model, plugins) == frozenset(["huggingface"])
