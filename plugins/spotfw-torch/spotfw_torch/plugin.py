"""What spotfw finds here: the backend `torch`. PyTorch is imported by the first `open`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import Any, Literal

import attrs

from spotfw.config import checked
from spotfw.contracts import Backend, FrozenModel
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.hookspecs import hookimpl
from spotfw_torch.spinning import spin_briefly

_ABSENT = (
    "The backend torch needs PyTorch, which is not installed here ({reason}). Install the build "
    "for your machine, as https://pytorch.org/get-started says (`pip install torch` does on most), "
    "or leave --backend out."
)


def _at_least_1(_: Any, field: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        checked(field.name, value, *_RULES["members"])


#: Option -> its types, its bounds in words, and these; see `spotfw.config.checked`.
_RULES: dict[str, tuple[Any, ...]] = {
    "device": ((str, type(None)),),
    "device_map": ((str, type(None)),),
    "compile": ((bool,),),
    "members": ((int,), "of 1 or more", lambda count: count >= 1),
    "vocabulary": ((str, type(None)),),
    "threads": ((int,), "of 0 or more", lambda count: 0 <= count < 2**15),
}


@attrs.frozen
class TorchBackend:
    """T5 in PyTorch, on a GPU or the CPU, from a Hugging Face folder as it is.

    Attributes:
      device: ``cuda``, ``cuda:1``, ``mps`` or ``cpu``; ``auto`` takes the first there is.
      device_map: in place of device, for a model larger than one card: ``auto``, or devices
        with a plus between, ``cuda:0+cuda:1``; its blocks are laid over them.
      dtype: of the frozen weights and their products; prompts and optimizer are float32.
      compile: whether torch.compile makes programs of the blocks.
      members: most tunings of one shape that run together; by default 64, on a CPU 4, beyond
        which their activations leave its caches.
    """

    device: str = "auto"
    device_map: str | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    members: int | None = attrs.field(default=None, validator=_at_least_1)

    name = "torch"
    #: The kind of folder that `open` reads.
    reads = "huggingface"
    #: All weights of its models can be tuned.
    tunes_weights = True
    options = (
        *("vocabulary", "device", "device_map", "dtype", "compile", "members"),
        *("activations", "threads"),
    )

    @property
    def cohort(self) -> int:
        """Tunings of one shape that a study gives a worker at once."""
        return 64 if self.members is None else self.members

    def missing(self) -> str | None:
        """``torch`` where PyTorch is not installed."""
        return None if importlib.util.find_spec("torch") else "torch"

    def open(self, model: str, **options: Any) -> FrozenModel:
        """Opens a Hugging Face T5 folder.

        Args:
          model: a local folder with config.json, safetensors and spiece.model.
          **options: in place of the backend's settings ``device``, ``device_map``,
            ``dtype``, ``compile`` and ``members``; ``vocabulary``, a sentencepiece file or
            tokenizer.json where it is not in the folder; ``activations``, another name of dtype;
            ``threads`` of an operation on the CPU.

        Raises:
          SpotError: PyTorch is not installed, or the folder is no T5's.
          WrongUse: an option is not known or has no such value.
        """
        for name in options:
            if name not in self.options:
                raise UnknownName("option of the backend torch", name, self.options)
        for name in _RULES.keys() & options.keys():
            options[name] = checked(name, options[name], *_RULES[name], what="option")
        if "activations" in options:
            options = {"dtype": options["activations"], **options}
            del options["activations"]
        if options.get("dtype", self.dtype) not in ("float32", "bfloat16"):
            raise WrongUse(f"The dtype can be float32 or bfloat16, but not {options['dtype']!r}.")
        spin_briefly()
        try:
            import torch  # noqa: F401 - whether it is there
        except ImportError as error:
            raise SpotError(_ABSENT.format(reason=error)) from error
        from spotfw_torch.backend import open_model

        own = {
            name: getattr(self, name)
            for name in ("device", "device_map", "dtype", "compile", "members")
        }
        return open_model(model, **{**own, **options})


@hookimpl
def spotfw_backends() -> Iterable[Backend]:
    return [TorchBackend()]
