"""A model larger than one card: its blocks laid out over several, in the order they run.

The embedding table, the head, the final norms and all that is tuned stay on the first device, the
home. Blocks that follow each other lie on one device, so that activations cross once for each
device and stack. The devices work one after the other: this buys memory, not speed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs
import torch

from spotfw.errors import SpotError, WrongUse
from spotfw_torch.devices import choose_device
from spotfw_torch.dimensions import Dimensions
from spotfw_torch.weights import shapes

#: Between the names of devices.
_BETWEEN = "+"

#: Share of the free memory that weights may take, the rest being for activations; and the most
#: they may take where there is no other device.
_COMFORTABLE, _MOST = 0.6, 0.92


@attrs.frozen(kw_only=True)
class Placement:
    """Where a model's parts lie.

    Attributes:
      home: of the embeddings, the head and what is tuned.
      encoder, decoder: the device of each block.
    """

    home: torch.device
    encoder: tuple[torch.device, ...]
    decoder: tuple[torch.device, ...]

    @classmethod
    def on(cls, device: torch.device, dims: Dimensions) -> Placement:
        """All of it on one device."""
        return cls(
            home=device,
            encoder=(device,) * dims.encoder_layers,
            decoder=(device,) * dims.decoder_layers,
        )

    def by_name(self) -> dict[str, torch.device]:
        """The device of each block, by names like ``decoder.block.7``."""
        stacks = (("encoder", self.encoder), ("decoder", self.decoder))
        return {
            f"{stack}.block.{number}": device
            for stack, devices in stacks
            for number, device in enumerate(devices)
        }


def place(device_map: str, dims: Dimensions, dtype: torch.dtype) -> Placement:
    """The placement that is asked for.

    Args:
      device_map: ``auto``, the fewest CUDA devices that hold the weights and leave room for
        activations; or devices by name with a plus between, ``cuda:0+cuda:1``, each with an
        equal share.
      dims: of the model.
      dtype: of its weights.

    Raises:
      WrongUse: a device is not there.
      SpotError: all of them together are too small.
    """
    sizes = block_bytes(dims, dtype)
    if device_map == "auto":
        count = torch.cuda.device_count()
        if count < 2:
            return Placement.on(choose_device(), dims)
        free = [torch.cuda.mem_get_info(number)[0] for number in range(count)]
        used = devices_needed(sum(sizes), free)
        names = [f"cuda:{number}" for number in range(used)]
        shares: Sequence[float] = free[:used]
    else:
        names = [name.strip() for name in device_map.split(_BETWEEN)]
        if len(set(names)) < len(names) or not all(names):
            raise WrongUse(
                f"The device map {device_map!r} is no list of devices. Write auto, or devices "
                "with a plus between, as in cuda:0+cuda:1; each may stand there once."
            )
        shares = [1.0] * len(names)
    devices = [choose_device(name) for name in names]
    chosen = [devices[at] for at in assign(sizes[1:], sizes[0], shares)]
    return Placement(
        home=devices[0],
        encoder=tuple(chosen[: dims.encoder_layers]),
        decoder=tuple(chosen[dims.encoder_layers :]),
    )


def block_bytes(dims: Dimensions, dtype: torch.dtype) -> list[int]:
    """Bytes of what stays at home, then of each block, the encoder's first."""
    width = torch.empty(0, dtype=dtype).element_size()
    blocks = [f"encoder.block.{n}." for n in range(dims.encoder_layers)]
    blocks += [f"decoder.block.{n}." for n in range(dims.decoder_layers)]
    sizes = dict.fromkeys(["", *blocks], 0)
    for name, shape in shapes(dims).items():
        owner = ".".join(name.split(".")[:3]) + "."
        table = "relative_attention_bias" in name
        sizes[owner if owner in sizes and not table else ""] += math.prod(shape) * width
    return list(sizes.values())


def devices_needed(weights: int, free: Sequence[float]) -> int:
    """How many devices, from the first on, hold weights and leave room for activations.

    Args:
      weights: their bytes.
      free: bytes of each device.

    Raises:
      SpotError: all of them do not.
    """
    for count in range(1, len(free) + 1):
        if weights <= _COMFORTABLE * sum(free[:count]):
            return count
    if weights <= _MOST * sum(free):
        return len(free)
    raise SpotError(
        f"The model's weights take {weights / 2**30:.1f} GiB, and {len(free)} devices have "
        f"{sum(free) / 2**30:.1f} GiB free together. Use dtype=bfloat16, end what else runs there, "
        "or take a smaller model."
    )


def assign(blocks: Sequence[int], home: int, shares: Sequence[float]) -> list[int]:
    """The device of each block, by number, never falling.

    Each device gets about its share of all bytes; a block goes where its middle falls.

    Args:
      blocks: bytes of each, in the order they run.
      home: bytes that the first device holds besides.
      shares: of the devices, in any unit.
    """
    total = home + sum(blocks)
    ends = [sum(shares[: n + 1]) / sum(shares) * total for n in range(len(shares))]
    chosen, before = [], float(home)
    for size in blocks:
        middle = before + size / 2
        chosen.append(next((n for n, end in enumerate(ends) if middle <= end), len(ends) - 1))
        before += size
    return chosen


def beside(block: Any, *values: Any) -> tuple[Any, ...]:
    """Values on the device of a block's weights, as they are where they are there already.

    Args:
      block: an `EncoderBlock` or a `DecoderBlock`.
      *values: tensors, named tuples of them, or None.
    """
    device = block.attention.norm.device
    return tuple(_moved(value, device) for value in values)


def _moved(value: Any, device: torch.device) -> Any:
    if value is None:
        return None
    if isinstance(value, torch.Tensor):
        return value if value.device == device else value.to(device)
    return type(value)(*(_moved(part, device) for part in value))
