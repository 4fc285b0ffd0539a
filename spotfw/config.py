"""Settings of a tuning; the defaults are the paper's (2.1.4, 3.1.2, appendix A)."""

from __future__ import annotations

from typing import Any

import attrs
import cattrs

from spotfw.errors import UnknownName, WrongUse

__all__ = ["SHORT_STEPS", "SOURCE_STEPS", "TARGET_STEPS", "TuningSettings"]

#: Steps for a source task, for a low-resource target, and for the short recipe.
SOURCE_STEPS = 262_144
TARGET_STEPS = 100_000
SHORT_STEPS = 30_000


def _positive(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    if not value > 0:
        raise WrongUse(f"The setting {field.name} must be above 0, but is {value!r}.")


def _not_negative(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    if not value >= 0:
        raise WrongUse(f"The setting {field.name} must not be below 0, but is {value!r}.")


def _share(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    if not 0 <= value < 1:
        raise WrongUse(f"The setting {field.name} must lie in [0, 1), but is {value!r}.")


@attrs.frozen(kw_only=True)
class TuningSettings:
    """How a prompt is learned.

    Attributes:
      steps: number of updates.
      batch_size: examples an update.
      prompt_length: tokens L of the prompt.
      learning_rate: constant rate of Adafactor.
      weight_decay: decoupled: each update also takes off rate x decay x value.
      decay_rate: exponent c of Adafactor's second-moment decay 1 - t^-c.
      dropout: probability, inside the frozen model, while tuning.
      checkpoint_every: steps between checkpoints; each is scored on validation.
      embedding_step: the checkpoint that serves as the task's embedding; when fewer
        steps are tuned, the last one does.
      max_input_length: text tokens kept of an input, the prompt not counted.
      max_target_length: tokens kept of a target.
      max_train_examples: training examples read of each task, None for all.
      max_eval_examples: validation examples scored at each checkpoint, None for all.
      eval_batch_size: examples scored at once.
      seed: of the initial prompt, the order of the data and dropout.
    """

    steps: int = attrs.field(default=SOURCE_STEPS, validator=_positive)
    batch_size: int = attrs.field(default=32, validator=_positive)
    prompt_length: int = attrs.field(default=100, validator=_positive)
    learning_rate: float = attrs.field(default=0.3, validator=_positive)
    weight_decay: float = attrs.field(default=1e-5, validator=_not_negative)
    decay_rate: float = attrs.field(default=0.8, validator=_share)
    dropout: float = attrs.field(default=0.1, validator=_share)
    checkpoint_every: int = attrs.field(default=500, validator=_positive)
    embedding_step: int = attrs.field(default=10_000, validator=_positive)
    max_input_length: int = attrs.field(default=512, validator=_positive)
    max_target_length: int = attrs.field(default=64, validator=_positive)
    max_train_examples: int | None = None
    max_eval_examples: int | None = None
    eval_batch_size: int = attrs.field(default=64, validator=_positive)
    seed: int = attrs.field(default=0, validator=_not_negative)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return attrs.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TuningSettings:
        """The settings of `to_dict`.

        Raises:
          UnknownName: there is no such setting.
          WrongUse: a value is none that the setting can have.
        """
        names = [field.name for field in attrs.fields(cls)]
        for name in values:
            if name not in names:
                raise UnknownName("setting", name, names)
        converter = cattrs.Converter(forbid_extra_keys=True)
        try:
            return converter.structure(values, cls)
        except cattrs.BaseValidationError as error:
            for inner in error.exceptions:
                if isinstance(inner, WrongUse):
                    raise WrongUse(str(inner)) from error
            what = "; ".join(cattrs.transform_error(error, path="settings"))
            raise WrongUse(f"The settings cannot be used: {what}.") from error
