"""The figure and the page of `benchmarks.where_time_goes`, from its curves."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from spotfw import files

#: How lines look: label, place of the colour and of the marker, style.
_LINES = {
    "mesh": ("Mesh TensorFlow", 0, "-"),
    "torch": ("PyTorch", 5, "-"),
    "products": ("matrix products alone", 2, "--"),
}


@attrs.frozen(kw_only=True)
class Curve:
    """A step over one of its sizes.

    Attributes:
      axis: the size.
      values: of it.
      milliseconds: CPU time of a step at each value, of ``mesh``, ``torch`` and ``products``.
    """

    axis: str
    values: Sequence[int]
    milliseconds: Mapping[str, Sequence[float]]

    def at(self, line: str, value: int) -> float:
        """Milliseconds of a line at a value."""
        return self.milliseconds[line][list(self.values).index(value)]

    def each(self, line: str) -> list[float]:
        """Milliseconds of a line for one row or prompt, where the size counts these."""
        scale = self.values if self.axis in _EACH else [1] * len(self.values)
        return [ms / n for ms, n in zip(self.milliseconds[line], scale, strict=True)]


#: Sizes that count what a step does at once: their panels show what one of these takes.
_EACH = {"batch": "row", "cohort": "prompt"}
#: Axis -> its name, and whether values double.
_AXES = {
    "prompt": ("prompt tokens", False),
    "inputs": ("input tokens", True),
    "batch": ("rows of a batch", True),
    "cohort": ("prompts together", True),
    "layers": ("layers of encoder and decoder", False),
}


def draw(curves: Sequence[Curve], place: Path) -> None:
    """The figure, an SVG, a panel for each curve."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    from spotfw.study.report.drawing import COLOURS, MARKERS, drawn, style

    with style():
        figure = Figure(figsize=(9, 6.2))
        panels = figure.subplots(2, 3).ravel()
        for panel, curve in zip(panels, curves, strict=False):
            name, doubles = _AXES[curve.axis]
            for line, (label, look, dashes) in _LINES.items():
                panel.plot(
                    curve.values,
                    curve.each(line),
                    dashes,
                    label=label,
                    color=COLOURS[look],
                    marker=MARKERS[look],
                    markersize=4,
                    linewidth=1.4,
                )
            if doubles:
                panel.set_xscale("log", base=2)
                panel.xaxis.set_minor_locator(NullLocator())
            panel.set_xticks(curve.values, [str(value) for value in curve.values])
            panel.set_ylim(bottom=0)
            of = f" a {_EACH[curve.axis]}" if curve.axis in _EACH else " a step"
            panel.set_xlabel(name)
            panel.set_ylabel(f"CPU ms{of}")
        handles, labels = panels[0].get_legend_handles_labels()
        for panel in panels[len(curves) :]:
            panel.set_axis_off()
            panel.legend(handles, labels, loc="center left")
        figure.tight_layout()
        svg = drawn(figure, place.stem, "Where the time goes", "").svg
    assert svg is not None
    files.write_atomically(place, svg)


def page(curves: Sequence[Curve], facts: Mapping[str, Any], place: Path) -> None:
    """The page: the figure, and for each panel its numbers and what they say."""
    middle, model = facts["middle"], facts["model"]
    text = [
        _HEAD.format(**middle, **facts["rate"], **model, load=facts["load"], rounds=facts["rounds"])
    ]
    for curve in curves:
        title, say = _SECTIONS[curve.axis]
        text += [
            f"## {title}",
            textwrap.fill(say(curve), 100, break_on_hyphens=False),
            _table(curve),
        ]
    files.write_atomically(place, ("\n\n".join(text) + "\n").encode())


def _table(curve: Curve) -> str:
    head = ["CPU ms a step", *map(str, curve.values)]
    rows = [head, ["---"] * len(head)]
    for line, (label, _, _) in _LINES.items():
        cells = (f"{ms:.3g}" if ms < 100 else f"{ms:.0f}" for ms in curve.milliseconds[line])
        rows.append([label, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


_HEAD = """# Where the time goes

`python -m benchmarks.where_time_goes --json benchmarks/results/where_time_goes.json --figure
benchmarks/results/where_time_goes.svg --page benchmarks/where_time_goes.md` measures a training
step and writes this page ([results/where_time_goes.json](results/where_time_goes.json)).

![Processor milliseconds of a step over its sizes](results/where_time_goes.svg)

CPU time of one update, float32, one thread, the median of tunings ({rounds} each) with all
programs built (load of the machine meanwhile: {load}). One size at a time is varied around
{prompt} prompt tokens, {inputs} input tokens, targets of 4, {batch} rows, one prompt and {layers}
layers of encoder and decoder, on a T5 1.1 of random weights half as wide as Small (d_model
{d_model}, d_ff {d_ff}, {num_heads} heads, {vocabulary_size} words). The dashed line is what the
step's matrix products alone would take at {gflops} GFLOP/s, which {library} reaches on this
machine. The panels of rows and of prompts show what one of them takes: flat is linear, falling is
work shared."""


def _slope(curve: Curve, line: str, place: int) -> float:
    """Milliseconds for one more, from a place to the next."""
    next_place = place + 1
    less, more = curve.milliseconds[line][place], curve.milliseconds[line][next_place]
    return (more - less) / (curve.values[next_place] - curve.values[place])


def _prompt(curve: Curve) -> str:
    ends = {line: (_slope(curve, line, 0), _slope(curve, line, -2)) for line in _LINES}
    each = [f"{ends[line][end]:.2f}" for line in _LINES for end in (0, 1)]
    return (
        f"A token more takes Mesh TensorFlow {each[0]} ms at the short end and {each[1]} at the "
        f"long one, PyTorch {each[2]} and {each[3]}, products {each[4]} and {each[5]}: a prompt's "
        "token goes through all layers of the encoder as a token of the text does, and its own "
        "gradient and Adafactor are too small to see. What is left at one token is the text. "
        "It bends upwards for the reason that the input does, below."
    )


def _inputs(curve: Curve) -> str:
    ends = {line: (_slope(curve, line, 0), _slope(curve, line, -2)) for line in _LINES}
    grown = {line: last / first for line, (first, last) in ends.items()}
    return (
        f"A token more takes Mesh TensorFlow {ends['mesh'][0]:.2f} ms at the short end and "
        f"{ends['mesh'][1]:.2f} at the long one ({grown['mesh']:.1f} times), PyTorch "
        f"{ends['torch'][0]:.2f} and {ends['torch'][1]:.2f} ({grown['torch']:.1f}); in products "
        f"alone {grown['products']:.1f} times. They bend upwards beyond 128 tokens: attention's "
        "scores [rows, heads, length, length] become a step's largest arrays, and bias, masks, "
        "softmax and their gradients go over them outside of any product, beyond the caches."
    )


def _batch(curve: Curve) -> str:
    least = {
        line: min(zip(curve.each(line), curve.values, strict=True)) for line in ("mesh", "torch")
    }
    alone = {line: curve.each(line)[0] for line in least}
    return (
        f"A row by itself takes Mesh TensorFlow {alone['mesh']:.1f} ms and PyTorch "
        f"{alone['torch']:.1f}; cheapest is a row among {least['mesh'][1]} "
        f"({least['mesh'][0]:.1f} ms) and among {least['torch'][1]} ({least['torch'][0]:.1f} ms). "
        "Left of the bend is what a step takes however little it does: hundreds of operations that "
        "are started one by one, and products too small for the processor's full rate. Right of it "
        "a row costs about the same, or a little more as activations leave the caches: a larger "
        "batch saves little."
    )


def _cohort(curve: Curve) -> str:
    most = curve.values[-1]
    each = {line: curve.each(line) for line in ("mesh", "torch")}
    least = {line: min(ms) / ms[0] for line, ms in each.items()}
    last = {line: ms[-1] / ms[0] for line, ms in each.items()}
    return (
        f"A prompt's step takes at best {least['mesh']:.2f} (Mesh TensorFlow) and "
        f"{least['torch']:.2f} (PyTorch) of what it takes alone, and among {most} "
        f"{last['mesh']:.2f} and {last['torch']:.2f}. Nothing bends downwards: a prompt's rows are "
        "past the bend of the batch already: only starting operations is left to share, and more "
        "prompts need more memory. A GPU, which one prompt does not fill, is another matter "
        "([the engine's page](../plugins/spotfw-torch/README.md))."
    )


def _layers(curve: Curve) -> str:
    lines = ("mesh", "torch", "products")
    low, high = curve.values[0], curve.values[-1]
    each = {n: (curve.at(n, high) - curve.at(n, low)) / (high - low) for n in lines}
    rest = {n: max(curve.at(n, low) - low * each[n], 0) for n in lines}
    return (
        f"Straight: a layer of both parts takes Mesh TensorFlow {each['mesh']:.1f} ms and PyTorch "
        f"{each['torch']:.1f}, of which products need {each['products']:.1f}. What is of no "
        "layer (embeddings, the head, Adafactor, the call) is about "
        f"{rest['mesh']:.0f} and {rest['torch']:.0f} ms. Each layer's activations are kept for the "
        "backward pass, so that memory grows alike."
    )


_SECTIONS: Mapping[str, tuple[str, Callable[[Curve], str]]] = {
    "prompt": ("The prompt's length", _prompt),
    "inputs": ("The input's length", _inputs),
    "batch": ("Rows of a batch", _batch),
    "cohort": ("Prompts of a cohort", _cohort),
    "layers": ("Layers", _layers),
}
