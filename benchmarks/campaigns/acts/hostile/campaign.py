"""Plugins that do what none should, one a case; everything else must go on.

A part is made of a sound one by one thing gone wrong, is registered beside the built-in
parts, and then what users ask for is asked: listings, JSON, the parts of others, a run's
hooks, a strategy's choice, a start for a prompt.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from random import Random
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from benchmarks.campaigns import limits
from benchmarks.campaigns.verdict import CRASH, GARBLED, HANG, REFUSED, TAKEN, WRONG, Case

_SECONDS = 5.0


class Late(BaseException):
    """The case took too long."""


class _Bad(BaseException):
    """What no handler of Exception catches."""


class Unequal:
    """An object that can be neither compared, printed, hashed, counted nor asked for truth."""

    name = "unequal"

    def _no(self, *_: Any) -> Any:
        raise ZeroDivisionError("hostile")

    __eq__ = __hash__ = __repr__ = __str__ = __len__ = __bool__ = __iter__ = _no  # type: ignore[assignment]

    def __call__(self, *_: Any) -> Any:
        return []


class Prying:
    """Every attribute is there, and none can be had."""

    def __getattr__(self, name: str) -> Any:
        raise _Bad(name)


def _raising(error: BaseException) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        raise error

    return function


def _endless() -> Iterator[Any]:
    number = 0
    while True:
        number += 1
        yield SimpleNamespace(name=f"part{number}")


def _late_error() -> Iterator[Any]:
    yield SimpleNamespace(name="first")
    raise _Bad("late")


def _printing(result: Any) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        print("hostile words on stdout")
        sys.stdout.write("more\n")
        return result

    return function


#: What a hook that collects parts may do instead.
GIVES: dict[str, Callable[..., Any]] = {
    "nothing": lambda: [],
    "raises": _raising(ValueError("hostile")),
    "raises base": _raising(_Bad("hostile")),
    "exits": _raising(SystemExit(3)),
    "stops": _raising(StopIteration()),
    "generator exit": _raising(GeneratorExit()),
    "raises with escapes": _raising(ValueError("\x1b[31mred\x07")),
    "recursion": lambda: GIVES["recursion"](),
    "endless": _endless,
    "late error": _late_error,
    "none": lambda: None,
    "number": lambda: 7,
    "text": lambda: "average_token_cosine",
    "bytes": lambda: b"abc",
    "dict": lambda: {"name": 1},
    "none in list": lambda: [None],
    "class in list": lambda: [dict],
    "unequal": lambda: [Unequal()],
    "unequal itself": lambda: Unequal(),
    "prying": lambda: [Prying()],
    "prying itself": lambda: Prying(),
    "name none": lambda: [SimpleNamespace(name=None)],
    "name number": lambda: [SimpleNamespace(name=3)],
    "name escapes": lambda: [_part("\x1b[31mred")],
    "name long": lambda: [_part("x" * 100_000)],
    "name blank": lambda: [_part("")],
    "name newline": lambda: [_part("a\nb")],
    "name surrogate": lambda: [_part("\udc80")],
    "name raises": lambda: [_NameRaises()],
    "text subclass": lambda: [_part(_Text("odd"))],
    "printing": _printing([]),
    "many": lambda: [_part(f"p{n}") for n in range(3000)],
    "twice": lambda: [_part("same"), _part("same")],
    "of another": lambda: [_part("per_token_cosine"), _part("mesh"), _part("sampled_vocab")],
    "itself in itself": lambda: _looped(),
}

#: What a hook that is called for a run may do.
HEARS: dict[str, Callable[..., Any]] = {
    "nothing": lambda **_: None,
    "changes": lambda run, **_: run.clear(),
    "changes deep": lambda run, **_: run["settings"].update(steps=0),
    "scores": lambda run, scores, **_: scores.clear(),
    "keeps": lambda run, **_: run.update(fingerprint="forged"),
    **{name: GIVES[name] for name in ("raises", "raises base", "exits", "generator exit")},
    # A tracker may print; commands that make a document keep it out of there.
    "prints": lambda **_: print("a tracker's words"),
}


class _Text(str):
    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("hostile")

    __hash__ = str.__hash__


class _NameRaises:
    @property
    def name(self) -> str:
        raise _Bad("name")


def _looped() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def _part(name: Any) -> Any:
    """What has everything that any kind of part must have."""

    class Part:
        description = "hostile"
        settings: ClassVar[dict[str, Any]] = {}

        def __call__(self, *_: Any, **__: Any) -> Any:
            return []

        features = compare = with_model = folder = open = main = __call__

        def tasks(self) -> list[Any]:
            return []

    made = Part()
    made.name = name  # type: ignore[attr-defined]
    return made


def cases(count: int, seed: int) -> Iterator[Case]:
    """`count` plugins, strategies and initializers; those below in turn, then drawn ones."""
    acts = [
        *(
            (f"{hook} {name}", lambda h=hook, n=name: _collected(h, n))
            for hook in _HOOKS
            for name in GIVES
        ),
        *(
            (f"{hook} {name}", lambda h=hook, n=name: _heard(h, n))
            for hook in _LIFE
            for name in HEARS
        ),
        *((f"strategy gives {name}", lambda n=name: _chosen(n)) for name in _candidates()),
        *((f"initializer {name}", lambda n=name: _started(n)) for name in INITIALIZERS),
        *((f"plugin is {name}", lambda n=name: _registered(n)) for name in OBJECTS),
    ]
    random = Random(f"hostile/{seed}")
    if count < len(acts):
        acts = random.sample(acts, count)
    handlers = limits.install(_late)
    try:
        for number, (what, act) in enumerate(acts):
            yield _judged(number, what, act)
    finally:
        limits.restore(handlers)


def _late(*_: Any) -> None:
    raise Late


def _judged(number: int, what: str, act: Callable[[], str | None]) -> Case:
    from spotfw.errors import SpotError

    verdict, detail = TAKEN, ""
    out = io.StringIO()
    limits.start(_SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            wrong = act()
        if wrong:
            verdict, detail = WRONG, wrong
    except Late:
        verdict, detail = HANG, f"no end after {_SECONDS:g} s"
    except SpotError as error:
        verdict = REFUSED
        if "\x1b" in str(error):
            verdict, detail = GARBLED, "prints the control character 0x1b"
    except BaseException as error:
        verdict, detail = CRASH, f"{type(error).__name__} in {what.split()[0]}: {_text_of(error)}"
    finally:
        limits.start(0)
    if verdict in (TAKEN, REFUSED) and "hostile words" in out.getvalue():
        verdict, detail = WRONG, "a plugin prints to stdout"
    return Case(number=number, what=what, verdict=verdict, detail=detail)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:200]
    except BaseException:
        return ""


_HOOKS = {
    "spotfw_similarity_metrics": "metric",
    "spotfw_selection_strategies": "strategy",
    "spotfw_prompt_initializers": "initializer",
    "spotfw_task_sources": "task source",
    "spotfw_backends": "backend",
    "spotfw_models": "model",
    "spotfw_commands": "command",
}
_LIFE = (
    "spotfw_run_started",
    "spotfw_checkpoint_saved",
    "spotfw_run_finished",
    "spotfw_run_failed",
)


def _plugins() -> Any:
    from spotfw.plugins import Plugins

    return Plugins(environ={}, entry_points=False)


def _collected(hook: str, name: str) -> str | None:
    from spotfw.cli import run
    from spotfw.plugins import use_plugins

    plugins = _plugins()
    plugins.register(_with(hook, GIVES[name]), "hostile")
    kind = _HOOKS[hook]
    before = {"metric": "per_token_cosine", "initializer": "sampled_vocab", "backend": "mesh"}
    known = before.get(kind)
    if known is not None and name != "of another":
        plugins.get(kind, known)
    plugins.names(kind)
    plugins.tasks()
    json.dumps(plugins.describe(), default=str)
    for failure in plugins.failures:
        if "\x1b" in failure.error:
            return "a failure with control characters"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), use_plugins(plugins):
        run(["plugins", "list", "--json"])
    try:
        json.loads(out.getvalue())
    except ValueError:
        return "the JSON document of `plugins list` is none"
    return None


def _with(hook: str, function: Callable[..., Any]) -> Any:
    import spotfw

    namespace = SimpleNamespace()

    def call(*arguments: Any) -> Any:
        return function(*arguments)

    arguments = {
        "spotfw_run_started": "run",
        "spotfw_checkpoint_saved": "run, step, scores",
        "spotfw_run_finished": "run, scores",
        "spotfw_run_failed": "run, error",
    }.get(hook, "")
    words = ", ".join(f"{a.strip()}={a.strip()}" for a in arguments.split(",") if a)
    scope: dict[str, Any] = {"function": function}
    exec(f"def {hook}({arguments}): return function({words})", scope)
    setattr(namespace, hook, spotfw.hookimpl(scope[hook]))
    del call
    return namespace


def _heard(hook: str, name: str) -> str | None:
    """The hooks of a run called by the recipe: what it hands on may not be the run's own."""
    from spotfw.recipe import tuning

    if name == "scores" and hook in ("spotfw_run_started", "spotfw_run_failed"):
        return None
    plugins = _plugins()
    plugins.register(_with(hook, HEARS[name]), "hostile")
    return run_with(tuning, plugins, fails=hook == "spotfw_run_failed")


def run_with(tuning: Any, plugins: Any, fails: bool = False) -> str | None:
    """A tuning with a model of paper; says what is not as it would be without the plugin."""
    import tempfile

    from spotfw.config import TuningSettings
    from spotfw.prompts import load_prompt
    from spotfw.recipe.run_folder import RunFolder
    from spotfw.tasks import Task

    task = Task(
        name="paper",
        family="f",
        type="classification",
        labels=("a", "b"),
        metrics=("accuracy",),
        splits={"train": None, "validation": None},
        build=lambda vocabulary: None,
    )
    settings = TuningSettings(
        steps=4, prompt_length=3, checkpoint_every=2, embedding_step=2, batch_size=2
    )
    with tempfile.TemporaryDirectory(prefix="spotfw-campaign-") as folder:
        try:
            tuned = tuning.tune(
                PaperModel(fails),
                task,
                settings,
                plugins=plugins,
                out=f"{folder}/run",
                initializer="sampled_vocab",
            )
        except ArithmeticError:
            return None if fails else "the run failed by its own fault"
        if fails:
            return "the run did not fail"
        best = load_prompt(f"{folder}/run/best.safetensors").provenance
        if (best.fingerprint, best.settings.get("steps"), best.task) != ("paper", 4, "paper"):
            return "a plugin forged the provenance"
        if best.metrics != {"accuracy": 50.0} or len(tuned.history) != 2:
            return "a plugin changed the scores"
        with RunFolder(f"{folder}/run") as run:
            saved = run.load()
        if saved is None or [h.metrics for h in saved[1]] != [{"accuracy": 50.0}] * 2:
            return "a plugin changed the history"
    return None


class PaperModel:
    """A frozen model that learns nothing, quickly."""

    name, width, fingerprint, precision = "paper", 4, "paper", "float32"
    distributions = ()
    identity: ClassVar[Mapping[str, str]] = {}

    def __init__(self, fails: bool = False) -> None:
        self.embeddings = np.ones((8, 4), np.float32)
        self._fails = fails

    def init_context(self, length: int, labels: Any = (), argument: str | None = None) -> Any:
        from spotfw.contracts import InitContext
        from spotfw.tasks.vocabulary import ByteVocabulary

        return InitContext(
            length=length,
            embeddings=self.embeddings,
            vocabulary=ByteVocabulary(),
            pieces=8,
            labels=tuple(labels),
            argument=argument,
            fingerprint=self.fingerprint,
        )

    def tune(self, requests: Any) -> Iterator[Any]:
        from spotfw.contracts import TuneProgress, TuningState

        for step in (2, 4):
            if self._fails:
                raise ArithmeticError("paper")
            state = TuningState(step=step, prompt=np.ones((3, 4), np.float32))
            yield TuneProgress(request=0, step=step, loss=1.0, examples=2, state=state)

    def evaluate(self, prompts: Any, *_: Any) -> Any:
        from spotfw.contracts import Evaluation

        return [Evaluation(metrics={"accuracy": 50.0}, score=50.0, examples=2) for _ in prompts]


def _hostile_array(dtype: Any = np.float32) -> Any:
    return np.ones((3, 4), dtype)


#: What an initializer may give or do; the first is sound.
INITIALIZERS: dict[str, Callable[..., Any]] = {
    "sound": lambda context, rng: _hostile_array(),
    "none": lambda context, rng: None,
    "text": lambda context, rng: "abc",
    "object": lambda context, rng: np.array([[object()] * 4] * 3),
    "ragged": lambda context, rng: [[1.0], [1.0, 2.0]],
    "complex": lambda context, rng: _hostile_array(np.complex64),
    "nan": lambda context, rng: _hostile_array() * np.nan,
    "huge": lambda context, rng: _hostile_array(np.float64) * 1e300,
    "shape": lambda context, rng: np.ones((4, 3), np.float32),
    "unequal": lambda context, rng: Unequal(),
    "endless": lambda context, rng: _endless(),
    "writes": lambda context, rng: context.embeddings.__setitem__(0, 9.0) or _hostile_array(),
    "unlocks": lambda context, rng: context.embeddings.setflags(write=True) or _hostile_array(),
    "base": _raising(_Bad("hostile")),
    "exits": _raising(SystemExit(0)),
    "interrupts late": _raising(GeneratorExit()),
    "prints": _printing(np.ones((3, 4), np.float32)),
}


def _started(name: str) -> str | None:
    import spotfw
    from spotfw.recipe.starts import initial_prompt
    from spotfw.tasks import Task

    class Part:
        __call__ = staticmethod(INITIALIZERS[name])

    Part.name = "mine"  # type: ignore[attr-defined]

    class Plugin:
        @spotfw.hookimpl
        def spotfw_prompt_initializers(self) -> list[Any]:
            return [Part()]

    plugins = _plugins()
    plugins.register(Plugin(), "hostile")
    model = PaperModel()
    task = Task(
        name="t", family="f", type="classification", labels=(), metrics=(), splits={}, build=len
    )
    fault: Exception | None = None
    given = np.zeros((3, 4), np.float32)
    try:
        given = initial_prompt(
            model, task, plugins, length=3, seed=0, initializer="mine", start=None
        )
    except Exception as error:
        fault = error
    if not (model.embeddings == 1).all():
        return "an initializer wrote into the frozen embeddings"
    if fault is not None:
        raise fault
    if given.shape != (3, 4) or given.dtype != np.float32 or not np.isfinite(given).all():
        return "a start that is no prompt"
    return None


def _candidates() -> dict[str, Any]:
    from spotfw.contracts import (
        Race,
        StartFromAverage,
        StartFromMixture,
        StartFromPrompt,
        StartFromScratch,
    )

    def made(kind: Any, *values: Any, **named: Any) -> Any:
        return lambda ranking, k: [kind(*values, **named)]

    weights: tuple[Any, ...] = (1, "1", None, float("nan"), True, 10**400, [], 1j)
    strategies: dict[str, Any] = {
        "sound": lambda ranking, k: [StartFromPrompt(entry.id) for entry in ranking[:k]],
        "none": lambda ranking, k: None,
        "number": lambda ranking, k: 3,
        "text": lambda ranking, k: "abc",
        "empty": lambda ranking, k: [],
        "endless": lambda ranking, k: (StartFromScratch() for _ in iter(int, 1)),
        "dict": lambda ranking, k: {"a": 1},
        "class": lambda ranking, k: [StartFromScratch],
        "bare": lambda ranking, k: StartFromScratch(),
        "unequal": lambda ranking, k: Unequal(),
        "unequal in list": lambda ranking, k: [Unequal()],
        "base": _raising(_Bad("hostile")),
        "exits": _raising(SystemExit(2)),
        "many": lambda ranking, k: [StartFromScratch()] * 100_000,
        "unknown id": made(StartFromPrompt, "ffff"),
        "id none": made(StartFromPrompt, None),
        "id number": made(StartFromPrompt, 3),
        "id list": made(StartFromPrompt, ["a"]),
        "id escapes": made(StartFromPrompt, "\x1b[31m"),
        "id path": made(StartFromPrompt, "../x"),
        "id prefix": made(StartFromPrompt, ""),
        "mixture none": made(StartFromMixture, None),
        "mixture empty": made(StartFromMixture, ()),
        "mixture text": made(StartFromMixture, "abc"),
        "mixture number": made(StartFromMixture, (3,)),
        "mixture list": made(StartFromMixture, ["a", "b"]),
        "average empty": made(StartFromAverage, (), ()),
        "average none": made(StartFromAverage, None, None),
        "average text": made(StartFromAverage, "ab", "12"),
        "race none": made(Race, None),
        "race empty": made(Race, ()),
        "race text": made(Race, "abc"),
        "race of races": lambda ranking, k: [Race((Race((StartFromScratch(),)),))],
        "race rungs": lambda ranking, k: [Race((StartFromScratch(),) * 2, rungs=(float("nan"),))],
        "race rungs text": lambda ranking, k: [Race((StartFromScratch(),) * 2, rungs="abc")],
        "race list": lambda ranking, k: [Race([StartFromScratch()] * 3)],
    }
    for number, weight in enumerate(weights):
        strategies[f"weight {number}"] = lambda ranking, k, w=weight: [
            StartFromAverage((ranking[0].id,), (w,))
        ]
    return strategies


def _chosen(name: str) -> str | None:
    import tempfile

    from spotfw.config import TuningSettings
    from spotfw.plugins import Plugins
    from spotfw.recipe.rounds import carry_out
    from spotfw.recipe.run_folder import Scored
    from spotfw.recipe.transfer import choose, run_candidates
    from spotfw.recipe.tuning import TunedPrompt, Tuning
    from spotfw.testing.tiny_library import fill_library
    from spotfw.testing.tiny_tasks import write_tiny_tasks

    no_task: Any = None
    with tempfile.TemporaryDirectory(prefix="spotfw-campaign-") as folder:
        library = fill_library(f"{folder}/l", write_tiny_tasks(f"{folder}/t"), seeds=1)
        query = library.best(library.entries()[0].id)
        metric = Plugins(environ={}, entry_points=False).metric("per_token_cosine")
        ranking = library.rank(query, metric)

        def tuning(start: Any, name: Any, steps: int | None = None) -> Tuning:
            if not isinstance(name, str):
                raise AssertionError("a run without a name")
            if start is not None and not np.isfinite(start.array).all():
                raise AssertionError("a start that is no number")
            return Tuning(task=no_task, settings=TuningSettings(), out=name, start=start)

        def tuned(asked: Tuning) -> TunedPrompt:
            prompt = asked.start or query
            history = tuple(
                Scored(step=n, loss=1.0, score=1.0, metrics={}) for n in range(1000, 31000, 1000)
            )
            return TunedPrompt(
                best=prompt, embedding=prompt, final=prompt, history=history, folder=folder
            )

        def mixing(names: Any) -> Tuning:
            if not names or not all(isinstance(n, str) for n in names):
                raise AssertionError("a mixture of no tasks")
            return Tuning(task=no_task, settings=TuningSettings(), out="+".join(names))

        strategy = _candidates()[name]
        plugins = _plugins()
        part = type("Part", (), {"name": "mine", "__call__": staticmethod(strategy)})()
        plugins.register(_with("spotfw_selection_strategies", lambda: [part]), "hostile")
        with plugins.blaming("strategy", "mine"):
            candidates = choose(plugins.strategy("mine"), ranking, 2)
        plan = run_candidates("target", ranking, candidates, library.best, tuning, mixing)
        carry_out(plan, lambda tunings: [tuned(asked) for asked in tunings])
    return None


class _Meta(type):
    def __getattr__(cls, name: str) -> Any:
        raise _Bad(name)


#: What may be registered as a plugin.
OBJECTS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "number": lambda: 7,
    "class": lambda: Prying,
    "prying": lambda: Prying(),
    "unequal": lambda: Unequal(),
    "api number": lambda: SimpleNamespace(spotfw_api=3),
    "api text": lambda: SimpleNamespace(spotfw_api="\x1b[31m"),
    "api unequal": lambda: SimpleNamespace(spotfw_api=Unequal()),
    "function": lambda: _endless,
    "text": lambda: "text",
    "module": lambda: json,
    "meta": lambda: _Meta("Strange", (), {}),
}


def _registered(name: str) -> str | None:
    plugins = _plugins()
    plugins.register(OBJECTS[name](), "hostile")
    plugins.get("metric", "per_token_cosine")
    plugins.describe()
    return None
