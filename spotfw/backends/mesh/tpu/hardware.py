"""Which TPUs there are: their shapes, their memory and the rates that Google publishes for them.

Rates and memory are of Google Cloud's pages on each generation; links, of the papers on them
(496 and 656 Gbit/s each on v2 and v3, Jouppi et al. 2020; 448 on v4, Jouppi et al. 2023). A v2 or
v3 chip is two devices with half its memory and rates each; a v4 chip's two cores are run as one.
"""

from __future__ import annotations

import math
import re

import attrs

from spotfw.errors import WrongUse


@attrs.frozen(kw_only=True)
class Rates:
    """What a device can do, by which steps are predicted.

    Attributes:
      products: operations a second of matrix products, bfloat16 on a TPU.
      memory: bytes a second to and from the device's memory.
      links: bytes a second that a device gives to its neighbour in a ring, in one direction.
      each: seconds that an operation takes besides, 0 where they are compiled together.
      lanes: rows and columns that a product's sizes are rounded up to, (1, 1) for none.
    """

    products: float
    memory: float
    links: float
    each: float = 0.0
    lanes: tuple[int, int] = (1, 1)


@attrs.frozen(kw_only=True)
class Generation:
    """A kind of TPU chip.

    Attributes:
      name: ``v3``.
      rates: of a device.
      capacity: bytes of a device's memory.
      devices_a_chip: that TensorFlow sees.
      cores_a_chip: that the name of a topology counts.
      chips_a_host: of a virtual machine.
    """

    name: str
    rates: Rates
    capacity: int
    devices_a_chip: int
    cores_a_chip: int = 2
    chips_a_host: int = 4


_MXU = (8, 128)

GENERATIONS = {
    generation.name: generation
    for generation in (
        Generation(
            name="v2",
            rates=Rates(products=23e12, memory=350e9, links=31e9, lanes=_MXU),
            capacity=8 * 2**30,
            devices_a_chip=2,
        ),
        Generation(
            name="v3",
            rates=Rates(products=61.5e12, memory=450e9, links=41e9, lanes=_MXU),
            capacity=16 * 2**30,
            devices_a_chip=2,
        ),
        Generation(
            name="v4",
            rates=Rates(products=275e12, memory=1.2e12, links=56e9, lanes=_MXU),
            capacity=32 * 2**30,
            devices_a_chip=1,
        ),
    )
}

#: Chips of a slice, by how many there are, as (x, y, z) of v2 and v3: z is always 1.
_FLAT = {4: (2, 2), 16: (4, 4), 64: (8, 8), 128: (8, 16), 256: (16, 16), 512: (16, 32)}
_CUBES = {4: (2, 2, 1), 8: (2, 2, 2), 16: (2, 2, 4), 32: (2, 4, 4), 64: (4, 4, 4)}


@attrs.frozen(kw_only=True)
class Topology:
    """A TPU slice of one generation.

    Attributes:
      name: ``v3-8``.
      generation: of its chips.
      chips: along x, y and z.
    """

    name: str
    generation: Generation
    chips: tuple[int, int, int]

    @classmethod
    def parse(cls, name: str) -> Topology:
        """From Google's name for it, generation and cores: ``v3-8``.

        Raises:
          WrongUse: there is no such slice.
        """
        match = re.fullmatch(r"(v\d)-(\d{1,4})", name.strip().lower())
        generation = GENERATIONS.get(match[1]) if match else None
        if match is None or generation is None:
            raise WrongUse(
                f"{name!r:.80} is no TPU topology that is known here. Write the generation and the "
                f"number of cores, e.g. v3-8; generations: {', '.join(GENERATIONS)}."
            )
        shapes = {chips: (*flat, 1) for chips, flat in _FLAT.items()}
        if generation.devices_a_chip == 1:
            shapes = dict(_CUBES)
        by_cores = {chips * generation.cores_a_chip: shape for chips, shape in shapes.items()}
        if int(match[2]) not in by_cores:
            names = ", ".join(f"{generation.name}-{cores}" for cores in by_cores)
            raise WrongUse(f"There is no TPU slice {name}. There are {names}.")
        return cls(name=match[0], generation=generation, chips=by_cores[int(match[2])])

    @property
    def devices(self) -> int:
        """That TensorFlow sees, each with a program of its own."""
        return math.prod(self.chips) * self.generation.devices_a_chip

    @property
    def hosts(self) -> int:
        """Virtual machines."""
        return max(1, math.prod(self.chips) // self.generation.chips_a_host)

    @property
    def mesh_shape(self) -> tuple[int, int, int, int]:
        """As TensorFlow's `Topology` has it: x, y, z and devices of a chip."""
        return (*self.chips, self.generation.devices_a_chip)

    def mesh_of(self, model_parallelism: int, cohort: int = 1) -> str:
        """The mesh's shape, as t5's `tpu_mesh_shape` makes it, with an axis for a cohort.

        Args:
          model_parallelism: devices that share one copy of the model.
          cohort: groups of devices, each with members of its own.

        Raises:
          WrongUse: the devices do not divide so.
        """
        shared = model_parallelism * cohort
        if shared < 1 or self.devices % shared:
            raise WrongUse(
                f"{self.name} has {self.devices} devices, which cannot be {model_parallelism} to a "
                f"model{f' and {cohort} to a cohort' if cohort > 1 else ''}. Give a "
                f"--model-parallelism that divides {self.devices // max(cohort, 1)}."
            )
        sizes = {
            "cohort": cohort,
            "batch": self.devices // shared,
            "model": model_parallelism,
        }
        axes = [f"{axis}:{size}" for axis, size in sizes.items() if size > 1]
        return ",".join(axes) or "batch:1"
