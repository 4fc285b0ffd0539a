"""A figure as a value, and how every figure looks.

Colours are those of Okabe and Ito, which differ for the colour-blind too; every line has its
own marker besides. SVG is the same to the byte for the same rows: no dates, fixed ids. Its text
stays text, in matplotlib's own font's measures.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours of text and of rules; on the page they follow its light or dark theme.
INK, RULE = "#24292e", "#c8ccd1"

_OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A900")
#: Darker ones of the same hues, then pale ones, for more than seven families.
COLOURS = (
    *_OKABE_ITO,
    *("#003F63", "#8A5F00", "#005C43", "#7F3F63", "#1F6E99", "#7F3800", "#6B6B6B"),
    *("#8CC4E8", "#F5CF80", "#80D1BB", "#E8BFD6", "#BFE3F8", "#F0B08C", "#C4C4C4"),
)
BLUE, ORANGE, GREEN = COLOURS[0], COLOURS[5], COLOURS[2]
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@attrs.frozen(kw_only=True)
class Drawing:
    """A figure, or why there is none.

    Attributes:
      name: of its files.
      title: what it shows.
      caption: how to read it; also the text for who cannot see it.
      svg, png: the files' bytes; None where it is left out.
      why: the reason where it is left out.
      width: pixels across at which its text has its own size.
      least: pixels across below which it cannot be read; a narrower screen scrolls it.
    """

    name: str
    title: str
    caption: str = ""
    svg: bytes | None = attrs.field(default=None, repr=False)
    png: bytes | None = attrs.field(default=None, repr=False)
    why: str | None = None
    width: int = 0
    least: int = 0

    def inline(self) -> str:
        """The SVG as part of a page: ids of its own, colours of text by the page's theme."""
        if self.svg is None:
            return ""
        text = self.svg.decode("utf-8")
        text = text[text.index("<svg") :]
        text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
        text = re.sub(r' id="([^"]*)"', rf' id="{self.name}-\1"', text)
        text = re.sub(r"url\(#([^)]*)\)", rf"url(#{self.name}-\1)", text)
        text = re.sub(r'href="#([^"]*)"', rf'href="#{self.name}-\1"', text)
        text = text.replace(INK, "currentColor").replace(RULE, "var(--rule)")
        # The size is the page's to choose; the view box keeps the shape.
        head, end, rest = text.partition(">")
        return re.sub(r'\s+(width|height)="[^"]*"', "", head) + end + rest


@contextmanager
def style(size: float = 10) -> Iterator[None]:
    """How figures look, while they are made and written; `size` of text is in points."""
    import matplotlib

    settings = {
        "font.family": "DejaVu Sans",
        "font.size": size,
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": size - 1,
        "ytick.labelsize": size - 1,
        "legend.fontsize": size - 1,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": RULE,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": RULE,
        "grid.linewidth": 0.5,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "svg.fonttype": "none",
        "svg.hashsalt": "spotfw",
        "axes.unicode_minus": False,
        "text.parse_math": False,
    }
    # From matplotlib's own defaults, whatever a user's matplotlibrc says.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield


def drawn(figure: Figure, name: str, title: str, caption: str, shrink: float = 1) -> Drawing:
    """The figure as files; called within `style`.

    Args:
      figure, name, title, caption: as in the drawing.
      shrink: to what part of its size it may shrink and still be read.
    """
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    figure.savefig(png, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    width = round(figure.get_figwidth() * 96)
    return Drawing(
        name=name,
        title=title,
        caption=caption,
        svg=svg.getvalue(),
        png=png.getvalue(),
        width=width,
        least=round(width * shrink),
    )


def family_colours(families: Iterable[str]) -> dict[str, str]:
    """A colour for each family, by the families' names in order."""
    names = sorted(set(families))
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def text_width(texts: Iterable[str], points: float) -> float:
    """Inches that the widest of some texts takes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans")
    # Only the longest by count can be the widest, but for a few narrow letters.
    longest = sorted(filter(str.strip, texts), key=len)[-4:]
    boxes = [TextPath((0, 0), text, size=points, prop=font).get_extents() for text in longest]
    return max((float(box.width) for box in boxes), default=0.0) / 72


def file_name(text: str) -> str:
    """A name for a file that any system takes, whatever a metric or model is called."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("._") or "unnamed"


def short(text: str, most: int) -> str:
    """A name that fits."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def quiet(axes: Axes) -> None:
    """Axes without a frame, ticks or grid."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
