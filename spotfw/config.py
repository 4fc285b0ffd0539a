"""Settings: what a value must be, and those of a tuning, with the paper's defaults.

The defaults are those of 2.1.4, 3.1.2 and appendix A. Wherever a setting is written (Python, the
command line, TOML, a file read back), its value is taken by `exact`, and never made to fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import attrs
import numpy as np

from spotfw.errors import UnknownName, WrongUse

__all__ = [
    "SHORT_STEPS",
    "SOURCE_STEPS",
    "TARGET_STEPS",
    "ModelTuningSettings",
    "TuningSettings",
    "checked",
    "exact",
]

#: Steps for a source task, for a low-resource target, and for the short recipe.
SOURCE_STEPS = 262_144
TARGET_STEPS = 100_000
SHORT_STEPS = 30_000

#: Settings that must be as they were in tuning for a prompt to give the same again.
LENGTHS = ("max_input_length", "max_target_length")

#: Settings that came later -> what holds of a record that was written without them.
BEFORE: Mapping[str, Any] = {"scale_weight_decay": True}

#: The kind of a setting that may be none.
NONE = type(None)
#: What counts, sizes and lengths are below; seeds too, which generators take in one word.
_END = 2**63


def exact(value: Any, kinds: Collection[type]) -> Any:
    """The value as the one plain type of `kinds` that it is of.

    A whole number is an integer of Python or NumPy, and never true, false or 2.0; a number may
    be whole, and is finite; true, false and texts are just these.

    Args:
      value: as it is written.
      kinds: of bool, int, float, str and None's type.

    Raises:
      ValueError: it is of none of them.
    """
    if value is None and NONE in kinds:
        return None
    if isinstance(value, (bool, np.bool_)):
        if bool in kinds:
            return bool(value)
    elif isinstance(value, (int, np.integer)):
        if int in kinds:
            return int(value)
        if float in kinds and abs(int(value)) < _LARGEST:
            return float(value)
    elif isinstance(value, (float, np.floating)):
        if float in kinds and math.isfinite(value):
            return float(value)
    elif isinstance(value, str) and str in kinds:
        return str(value)
    raise ValueError(value)


#: Whole numbers from here on are no finite float.
_LARGEST = 2**1023


def wanted(kinds: Collection[type]) -> str:
    """What `exact` takes, in words: ``a whole number or none``."""
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return " or ".join([*(w for k, w in words.items() if k in kinds), *["none"] * (NONE in kinds)])


def checked(
    name: str,
    value: Any,
    kinds: Collection[type],
    bounds: str = "",
    within: Callable[[Any], bool] = lambda value: True,
    *,
    what: str = "setting",
) -> Any:
    """A setting's value by `exact` and within bounds.

    Args:
      name: the setting's.
      value: as it is written.
      kinds: see `exact`.
      bounds: what `within` asks, in words: ``of 1 or more``.
      within: whether a value, which is not None, lies within the bounds.
      what: what it is called in the error.

    Raises:
      WrongUse: it is of another kind, or out of bounds.
    """
    try:
        plain = exact(value, kinds)
        good = plain is None or within(plain)
    except ValueError:
        good = False
    if not good:
        accepted = wanted([kind for kind in kinds if kind is not NONE])
        accepted += f" {bounds}" * bool(bounds) + " or none" * (NONE in kinds)
        shown = f"{value!r:.80}".replace("\n", " ")
        raise WrongUse(f"The {what} {name} must be {accepted}, but is {shown}.")
    return plain


#: How a field of `TuningSettings` is judged: its kinds, its bounds in words, and these.
_Rule = tuple[tuple[type, ...], str, Callable[[Any], bool]]
_COUNT: _Rule = ((int,), "of 1 or more", lambda value: 1 <= value < _END)
_COUNT_OR_ALL: _Rule = ((int, NONE), "of 1 or more", lambda value: 1 <= value < _END)
_SEED: _Rule = ((int,), "of 0 or more, below 2^63", lambda value: 0 <= value < _END)
_RATE: _Rule = ((float,), "above 0 and finite", lambda value: value > 0)
_DECAY: _Rule = ((float,), "of 0 or more and finite", lambda value: value >= 0)
_SHARE: _Rule = ((float,), "of 0 or more, below 1", lambda value: 0 <= value < 1)
_FLAG: _Rule = ((bool,), "", lambda value: True)


def _setting(default: Any, rule: _Rule) -> Any:
    return attrs.field(default=default, metadata={"rule": rule})


def _judged(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Fields that take their values by their rules, however an object is made."""

    def converter(field: attrs.Attribute[Any]) -> Callable[[Any], Any]:
        return lambda value: checked(field.name, value, *field.metadata["rule"])

    return [field.evolve(converter=converter(field)) for field in fields]


@attrs.frozen(kw_only=True, field_transformer=_judged)
class TuningSettings:
    """How a prompt is learned.

    A value of another kind, such as 1.9 or "2" steps, or out of bounds raises `WrongUse`.

    Attributes:
      steps: number of updates.
      batch_size: examples an update.
      prompt_length: tokens L of the prompt.
      learning_rate: constant rate of Adafactor.
      weight_decay: decoupled: the share of its value that each update takes off a parameter.
      scale_weight_decay: take off the learning rate times that share instead.
      decay_rate: exponent c of Adafactor's second-moment decay 1 - t^-c.
      dropout: probability, inside the frozen model, while tuning.
      checkpoint_every: steps between checkpoints; each is scored on validation.
      embedding_step: the checkpoint that serves as the task's embedding; when fewer
        steps are tuned, the last one does.
      max_input_length: text tokens kept of an input, the prompt not counted.
      max_target_length: tokens kept of a target.
      max_train_examples: training examples of each task, drawn by the seed, None for all.
      max_eval_examples: validation examples scored at each checkpoint, the same ones
        whatever the seed, None for all.
      eval_batch_size: examples scored at once.
      seed: of the initial prompt, the order of the data and dropout.
    """

    steps: int = _setting(SOURCE_STEPS, _COUNT)
    batch_size: int = _setting(32, _COUNT)
    prompt_length: int = _setting(100, _COUNT)
    learning_rate: float = _setting(0.3, _RATE)
    weight_decay: float = _setting(1e-5, _DECAY)
    scale_weight_decay: bool = _setting(False, _FLAG)
    decay_rate: float = _setting(0.8, _SHARE)
    dropout: float = _setting(0.1, _SHARE)
    checkpoint_every: int = _setting(500, _COUNT)
    embedding_step: int = _setting(10_000, _COUNT)
    max_input_length: int = _setting(512, _COUNT)
    max_target_length: int = _setting(64, _COUNT)
    max_train_examples: int | None = _setting(None, _COUNT_OR_ALL)
    max_eval_examples: int | None = _setting(None, _COUNT_OR_ALL)
    eval_batch_size: int = _setting(64, _COUNT)
    seed: int = _setting(0, _SEED)

    @property
    def decay(self) -> float:
        """The share of its value that each update takes off a parameter, as float32 has it."""
        decay = np.float32(self.weight_decay)
        return float(np.float32(self.learning_rate) * decay if self.scale_weight_decay else decay)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return attrs.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "") -> TuningSettings:
        """The settings of `to_dict`; those that are not there have their defaults.

        Args:
          values: by name.
          where: they are written, for errors.

        Raises:
          UnknownName: there is no such setting.
          WrongUse: a value is none that the setting can have.
        """
        return _from_dict(cls, values, where)


def as_recorded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as earlier versions wrote them where these had no others.

    What is found again by its settings (a run by its folder's name, a cell of a study by its id)
    is so called by these: it keeps its name as long as it is tuned as it was.
    """
    return {k: v for k, v in settings.items() if k not in BEFORE or v != BEFORE[k]}


def from_record(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a record, with what held of it where its version had no such setting yet.

    Those of a tuning of all weights, which only they name `batch_tokens`, are as they stand.
    """
    return dict(settings) if "batch_tokens" in settings else {**BEFORE, **settings}


@attrs.frozen(kw_only=True, field_transformer=_judged)
class ModelTuningSettings:
    """How all weights of a model are tuned: the paper's ModelTuning (2.1.1, appendix A).

    The optimizer is T5's own: Adafactor with parameter scaling, clipping at 1 and no momentum.

    Attributes:
      steps: number of updates.
      batch_tokens: input tokens an update, padding counted: `batch_size` is these over
        `max_input_length` where it is not given.
      batch_size: examples an update; None for as many as `batch_tokens` hold.
      learning_rate: constant rate, times the root mean square of each tensor's values.
      decay_rate: exponent c of the second-moment decay 1 - t^-c.
      factored_from: a matrix whose both sides are of this size or larger has its second
        moments factored into a row and a column.
      dropout: probability, inside the model, while tuning.
      checkpoint_every: steps between checkpoints of all weights, each scored on validation.
      max_input_length, max_target_length: tokens kept of an input and of a target.
      max_train_examples, max_eval_examples, eval_batch_size, seed: as of `TuningSettings`.
    """

    steps: int = _setting(SOURCE_STEPS, _COUNT)
    batch_tokens: int = _setting(2**16, _COUNT)
    batch_size: int | None = _setting(None, _COUNT_OR_ALL)
    learning_rate: float = _setting(0.001, _RATE)
    decay_rate: float = _setting(0.8, _SHARE)
    factored_from: int = _setting(128, _COUNT)
    dropout: float = _setting(0.1, _SHARE)
    checkpoint_every: int = _setting(5_000, _COUNT)
    max_input_length: int = _setting(512, _COUNT)
    max_target_length: int = _setting(64, _COUNT)
    max_train_examples: int | None = _setting(None, _COUNT_OR_ALL)
    max_eval_examples: int | None = _setting(None, _COUNT_OR_ALL)
    eval_batch_size: int = _setting(64, _COUNT)
    seed: int = _setting(0, _SEED)

    @property
    def rows(self) -> int:
        """Examples an update."""
        return self.batch_size or max(1, self.batch_tokens // self.max_input_length)

    def of_data(self) -> TuningSettings:
        """What these settings say of batches, lengths and scoring, for parts that read those."""
        shared = {f.name for f in attrs.fields(TuningSettings)} & set(self.to_dict())
        values = {name: getattr(self, name) for name in shared}
        return TuningSettings(**{**values, "batch_size": self.rows})

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return attrs.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "") -> ModelTuningSettings:
        """The settings of `to_dict`; see `TuningSettings.from_dict`."""
        return _from_dict(cls, values, where)


_Made = TypeVar("_Made")


def _from_dict(cls: type[_Made], values: Mapping[str, Any], where: str) -> _Made:
    names = [field.name for field in attrs.fields(cls)]  # type: ignore[arg-type]
    for name in values:
        if name not in names:
            raise UnknownName("setting", name, names)
    try:
        return cls(**values)
    except WrongUse as error:
        raise WrongUse(f"{error} Correct it in {where}." if where else str(error)) from error
