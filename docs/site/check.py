"""Checks the links of a folder of HTML pages; used by build.py.

A link to a page, a file or a place within the folder must lead somewhere. Links to elsewhere
are read, not followed: no network is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """What one page links to, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key in ("id", "name"):
                self.places.add(value or "")
            elif key in ("href", "src"):
                self.links.append(value or "")


def faults(folder: Path, skip: tuple[str, ...] = ()) -> Iterator[str]:
    """Links that lead nowhere, as sentences.

    Args:
      folder: of the built site.
      skip: folders of it, relative, whose pages come from elsewhere and may link as they like.
    """
    left_out = tuple(folder / name for name in skip)
    pages = {
        path: _Page(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.html"))
        if not any(path.is_relative_to(other) for other in left_out)
    }
    for path, page in pages.items():
        if path.name == "404.html":  # its links are absolute, for it is shown anywhere
            continue
        for link in page.links:
            reason = _fault(path, link, pages)
            if reason:
                yield f"{path.relative_to(folder)}: the link {link!r} {reason}"


def _fault(path: Path, link: str, pages: dict[Path, _Page]) -> str:
    """What is wrong with a link of a page; empty where nothing is."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return "is no address"
    if parts.scheme in ("mailto", "data"):
        return ""
    if parts.scheme or parts.netloc:
        sound = parts.scheme in ("http", "https") and "." in parts.netloc and " " not in link
        return "" if sound else "is no address of the web"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return "leads to no file"
    if target in pages and unquote(parts.fragment) not in pages[target].places:
        return "leads to no such place on its page"
    return ""
