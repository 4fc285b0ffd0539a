"""Libraries on the Hugging Face hub: read like any other, and added to by `push`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import attrs

from spotfw.errors import SpotError, WrongUse
from spotfw.library import hub
from spotfw.library.archive import LIMITS, Limits
from spotfw.library.card import MARK, UNKNOWN, CardFacts, card
from spotfw.library.combined import ReleasedLibrary
from spotfw.library.index import Entry
from spotfw.library.library import Library, in_listing_order
from spotfw.reading import read_regular

CARD = "README.md"
_FILE = re.compile(r"[0-9a-f]{16}\.safetensors")
_MOST_CARD = 4 * 2**20


class HubLibrary(ReleasedLibrary):
    """A library that lies on the hub: fetched, checked, and only read."""

    def refuse(self) -> NoReturn:
        """Raises the `SpotError` of an attempt to write."""
        raise SpotError(
            f"The library {self.name} lies on the hub and is only read here. Name a library of "
            f"your own first: --library DIR --library {self.name}. `spotfw library pull "
            f"{self.name} --library DIR` copies its prompts there, `spotfw library push` adds some."
        )


def open_hub_library(name: str, limits: Limits = LIMITS) -> HubLibrary:
    """The library of a repository, fetched into the hub's cache and checked.

    Where the hub cannot be reached, what was fetched before is opened.

    Args:
      name: ``hf://user/name``, or ``hf://user/name@revision``.
      limits: how much is fetched at most.

    Raises:
      WrongUse: the name is not written so.
      SpotError: there is no such repository, it is no library, or a file of it is damaged.
    """
    place = hub.hub_place(name)
    try:
        folder = hub.fetch(place, prompt_names(place, hub.listing(place), limits))
    except hub.Unreachable as error:
        folder = hub.cached(place, ["*.safetensors"], _advised(error, place))
    return _checked(place, folder)


def _checked(place: hub.HubPlace, folder: str) -> HubLibrary:
    """The library of what was fetched of a repository.

    Raises:
      SpotError: a file is damaged.
    """
    library = HubLibrary(folder, str(place))
    problems = library.verify()
    if problems:
        shown = "; ".join(f"{p.name}: {p.what}" for p in problems[:3])
        raise SpotError(
            f"The library {place} has {len(problems)} files that are not sound, so nothing of it "
            f"is used: {shown} Tell whoever pushed it; {folder} holds what was fetched."
        )
    return library


def prompt_names(
    place: hub.HubPlace, sizes: Mapping[str, int | None], limits: Limits = LIMITS
) -> list[str]:
    """The files of a repository that are a library's; none where it holds nothing yet.

    Args:
      place: the repository.
      sizes: `hub.listing` of it.
      limits: how much is taken.

    Raises:
      SpotError: it holds other weights, or more or larger files than are taken.
    """
    weights = [n for n in sizes if "/" not in n and n.endswith((".safetensors", ".bin", ".pt"))]
    others = sorted(name for name in weights if not _FILE.fullmatch(name))
    if others:
        raise SpotError(
            f"{place} is no library of prompts: it holds {', '.join(map(repr, others[:3]))}. Name "
            "a repository that `spotfw library push` made."
        )
    large = sorted(n for n in weights if (sizes[n] or 0) > limits.member_bytes)
    total = sum(sizes[name] or 0 for name in weights)
    if large or len(weights) > limits.members or total > limits.total_bytes:
        what = f"{large[0]} has {sizes[large[0]]:,} bytes" if large else f"{total:,} bytes"
        raise SpotError(
            f"The library {place} is not fetched: {len(weights):,} files, {what}; at most "
            f"{limits.members:,} files of {limits.member_bytes:,} bytes, {limits.total_bytes:,} in "
            "all, are taken. Ask for a smaller one."
        )
    return weights


@attrs.frozen(kw_only=True)
class Pushed:
    """What a push did.

    Attributes:
      page: of the repository; empty for a dry run.
      names: the files that are new there.
      entries: all of the library on the hub, by task and seed.
      card: the page's text; None where the repository has one of its owner's, which is left.
    """

    page: str
    names: tuple[str, ...]
    entries: tuple[Entry, ...]
    card: str | None


def push(
    library: Library,
    entries: Sequence[Entry],
    name: str,
    *,
    licence: str | None = None,
    base_model: str | None = None,
    private: bool | None = None,
    dry_run: bool = False,
) -> Pushed:
    """Adds entries and their task embeddings to a library on the hub, with its page.

    Nothing there is changed but the page: a file is named by its content. The page is written
    anew from all prompts there, unless its owner wrote another.

    Args:
      library: where the entries are.
      entries: some of it.
      name: ``hf://user/name``.
      licence, base_model: see `CardFacts`; None keeps what the page says already.
      private: whether a new repository is private.
      dry_run: say what would be done; nothing is sent, and the hub is not asked.

    Raises:
      WrongUse: there are no entries, or the name is not a repository's.
      SpotError: the hub cannot be reached or refuses; a file here is damaged.
    """
    place = hub.hub_place(name)
    if not entries:
        raise WrongUse(f"No prompt of {library.folder} was chosen, so nothing is pushed.")
    data = {
        os.path.basename(library.path(id)): library.read_file(id)
        for id in sorted({id for entry in entries for id in (entry.id, entry.embedding_id)})
    }
    there: dict[str, Entry] = {}
    sizes: Mapping[str, int | None] = {}
    before: str | None = None
    try:
        if not dry_run and hub.exists(place):
            sizes = hub.listing(place)
            names = prompt_names(place, sizes)
            if names:
                fetched = _checked(place, hub.fetch(place, names))
                there = {entry.id: entry for entry in fetched.entries()}
            before = _page(place, sizes)
    except hub.Unreachable as error:
        raise _advised(error, place, pushing=True) from error
    merged = sorted((there | {e.id: e for e in entries}).values(), key=in_listing_order)
    facts = CardFacts(
        repo=place.repo,
        licence=licence or _said("license", before) or UNKNOWN,
        base_model=base_model or _said("base_model", before),
    )
    text = card(merged, facts) if before is None or MARK in before else None
    new = {name: content for name, content in data.items() if name not in sizes}
    page = ""
    if not dry_run:
        content = new if text is None or text == before else {**new, CARD: text.encode()}
        message = f"Add {len(new)} files of {len(entries)} prompts"
        try:
            page = hub.commit(place, content, message, private)
        except hub.Unreachable as error:
            raise _advised(error, place, pushing=True) from error
    return Pushed(page=page, names=tuple(sorted(new)), entries=tuple(merged), card=text)


def _page(place: hub.HubPlace, sizes: Mapping[str, int | None]) -> str | None:
    """The page of a repository, where it has one."""
    if CARD not in sizes:
        return None
    path = Path(hub.fetch(place, [CARD]), CARD)
    return read_regular(path, _MOST_CARD).decode(errors="replace")


def _said(key: str, page: str | None) -> str | None:
    """A value of the metadata of a page that `card` made."""
    if page is None or MARK not in page:
        return None
    matched = re.search(rf'^{key}: "([^"\\\n]*)"$', page.partition(MARK)[0], re.MULTILINE)
    return matched[1] if matched else None


def _advised(error: hub.Unreachable, place: hub.HubPlace, pushing: bool = False) -> hub.Unreachable:
    """The error with what can be done without a network."""
    advice = (
        "Push where there is a network: `spotfw library export all.zip` here, `spotfw library "
        "import all.zip` there."
        if pushing
        else f"Where there is a network, `hf download {place.repo} --local-dir DIR` fetches it; "
        "copy DIR here and name it: --library DIR."
    )
    return hub.Unreachable(f"{error} {advice}")
