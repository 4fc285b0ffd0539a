"""How a model and its batches lie over several devices: a mesh's shape and the rules of a layout.

Both are written as t5 writes them: ``mesh_shape = "batch:4,model:2"``, ``layout_rules =
"batch:batch,d_ff:model,heads:model,vocab:model"``. A rule lays a dimension of tensors over an axis
of the mesh; a dimension without one is whole on every device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs

from spotfw.errors import UnknownName, WrongUse

#: t5's own rules, with the cohort's dimension, of whose members each is on its own.
RULES = "cohort:cohort,batch:batch,d_ff:model,heads:model,vocab:model"

#: What a rule may lay out; the last two stand in t5's rules and in no T5 1.1.
DIMENSIONS = ("cohort", "batch", "d_model", "d_ff", "heads", "vocab", "ensemble", "experts")
_ABSENT = DIMENSIONS[-2:]

#: Dimensions no two of which occur in one tensor, so that they may share an axis.
_APART = {"d_ff", "heads", "vocab"}

#: More than any mesh has.
_MOST = 2**14


@attrs.frozen(kw_only=True)
class Layout:
    """A mesh and what is laid over it; the default is a single device.

    Attributes:
      axes: of the mesh, each with its size, the last one's devices beside each other.
      rules: dimension -> axis, of which the mesh need not have all.
    """

    axes: tuple[tuple[str, int], ...] = ()
    rules: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, mesh_shape: str | None, layout: str | None = None) -> Layout:
        """From both texts.

        Args:
          mesh_shape: ``AXIS:SIZE,...``; None for a single device.
          layout: ``DIMENSION:AXIS,...``; None for `RULES`.

        Raises:
          WrongUse: a text is not written so, or two dimensions of one tensor share an axis.
          UnknownName: there is no such dimension.
        """
        if mesh_shape is None:
            if layout is not None:
                raise WrongUse("A layout needs a mesh: give its shape too, e.g. batch:4,model:2.")
            return cls()
        sizes = _pairs(mesh_shape, "mesh's shape", "batch:4,model:2")
        axes = tuple((axis, _size(axis, size)) for axis, size in sizes)
        if math.prod(size for _, size in axes) > _MOST:
            raise WrongUse(f"A mesh of {mesh_shape} is larger than any: {_MOST:,} devices.")
        rules = _pairs(RULES if layout is None else layout, "layout", RULES)
        for dimension, _ in rules:
            if dimension not in DIMENSIONS:
                raise UnknownName("dimension of a layout", dimension, DIMENSIONS)
        made = cls(axes=axes, rules=rules)
        made._check_axes()
        return made

    def _check_axes(self) -> None:
        by_axis: dict[str, list[str]] = {}
        for dimension, axis in self.rules:
            if dimension not in _ABSENT:
                by_axis.setdefault(axis, []).append(dimension)
        for axis, _ in self.axes:
            dims = by_axis.get(axis, [])
            if not dims:
                raise WrongUse(
                    f"Nothing is laid over the axis {axis} of the mesh: the layout has rules for "
                    f"{', '.join(by_axis) or 'none'}. Leave it out, or add a rule, e.g. "
                    f"--layout batch:{axis}."
                )
            if len(dims) > 1 and not set(dims) <= _APART:
                raise WrongUse(
                    f"The layout puts {' and '.join(dims)} on one axis, {axis}, but they occur in "
                    f"one tensor. Give each an axis of its own, e.g. {RULES}."
                )

    @property
    def size(self) -> int:
        """Devices."""
        return math.prod(size for _, size in self.axes)

    @property
    def shape_text(self) -> str:
        """As t5 writes the mesh's shape."""
        return ",".join(f"{axis}:{size}" for axis, size in self.axes)

    def parts(self, dimension: str) -> int:
        """Into how many parts a dimension is split, 1 where it is whole."""
        sizes = dict(self.axes)
        return math.prod(sizes.get(axis, 1) for name, axis in self.rules if name == dimension)

    @property
    def splits_vocabulary(self) -> bool:
        """Whether a look-up of ids must be a product with one-hot rows, as `mtf.gather`'s."""
        return self.parts("vocab") * self.parts("d_model") > 1

    def for_rows(self, members: int, batch: int) -> Layout:
        """The layout of a program with so many rows: what does not come out even is whole."""
        sizes = {"cohort": members, "batch": batch}
        kept = [r for r in self.rules if r[0] not in sizes or not sizes[r[0]] % self.parts(r[0])]
        return attrs.evolve(self, rules=tuple(kept))

    def check_model(self, sizes: Mapping[str, int]) -> None:
        """Whether a model's dimensions come out even.

        Args:
          sizes: of its dimensions, by name.

        Raises:
          WrongUse: one does not.
        """
        for dimension, size in sizes.items():
            parts = self.parts(dimension)
            if size % parts:
                raise WrongUse(
                    f"The mesh {self.shape_text} splits {dimension} into {parts} parts, but "
                    f"the model has {size} of it, which does not divide. Take a smaller axis "
                    f"({', '.join(str(n) for n in range(1, parts) if size % n == 0)}), or a layout "
                    f"without {dimension}."
                )

    def check_batch(self, batch: int) -> None:
        """Whether a batch to learn from can be split as the layout says.

        Raises:
          WrongUse: it does not come out even, and every device would compute all of it.
        """
        parts = self.parts("batch")
        if batch % parts:
            raise WrongUse(
                f"The mesh {self.shape_text} splits a batch into {parts} parts, but --batch-size "
                f"{batch} does not divide. Give a multiple of {parts}, or a smaller axis."
            )

    def even_batch(self, rows: int) -> int:
        """The least batch of at least so many rows that splits evenly."""
        return -(-rows // self.parts("batch")) * self.parts("batch")

    def even_members(self, members: int) -> int:
        """The least cohort of at least so many members that splits evenly."""
        return -(-members // self.parts("cohort")) * self.parts("cohort")


def _pairs(text: str, what: str, example: str) -> tuple[tuple[str, str], ...]:
    """The pairs of ``a:b,c:d``, each first part once."""
    pairs: dict[str, str] = {}
    for piece in text.split(","):
        name, colon, value = (part.strip() for part in piece.partition(":"))
        if not name or not colon or not value or name in pairs:
            raise WrongUse(
                f"The {what} {text!r:.200} cannot be read at {piece!r:.80}. Write pairs, each name "
                f"once, e.g. {example}."
            )
        pairs[name] = value
    return tuple(pairs.items())


def _size(axis: str, text: str) -> int:
    size = int(text) if text.isdecimal() and len(text) < 6 else 0
    if size < 1:
        raise WrongUse(f"The axis {axis} of the mesh has the size {text!r:.80}, no number from 1.")
    return size
