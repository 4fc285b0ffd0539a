"""The index of a large library: vectors and headers that lie beside its files."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import attrs
import numpy as np

from benchmarks.campaigns import mutate
from benchmarks.campaigns.commands import cli
from benchmarks.campaigns.verdict import Format, Shown, WrongValue

_METRICS = ("average_token_cosine", "per_token_cosine")


@attrs.frozen
class Sound:
    """A sound library with an index, what it lists, and how its files rank."""

    folder: Path
    listed: list[dict[str, Any]]
    ranked: list[list[tuple[str, float]]]


def _prepare(folder: Path) -> Sound:
    from spotfw.library import headers, kept, vectors
    from spotfw.testing.tiny_library import fill_library
    from spotfw.testing.tiny_tasks import write_tiny_tasks

    # A few prompts are a large library here, of several segments and documents.
    kept.LARGE, vectors.ROWS, headers.SHARD = 4, 4, 4
    place = folder / "library"
    fill_library(place, write_tiny_tasks(folder / "tasks"), seeds=4)
    cli("library", "verify", "--library", place)
    _ranked(place, indexed=True)
    listed = json.loads(cli("library", "list", "--library", place, "--json").out)
    return Sound(place, listed, _ranked(place, indexed=False))


def _ranked(place: Path, *, indexed: bool) -> list[list[tuple[str, float]]]:
    """The first five by each metric, with similarities up to the rounding of a sum."""
    from spotfw.library import Library
    from spotfw.plugins import Plugins
    from spotfw.testing.tiny_library import FINGERPRINT, LENGTH, WIDTH

    query = np.random.default_rng(0).normal(size=(LENGTH, WIDTH)).astype(np.float32)
    plugins = Plugins(entry_points=False)
    library = Library(str(place), indexed=indexed)
    rankings = (
        library.rank(query, plugins.metric(name), fingerprint=FINGERPRINT, top=5)
        for name in _METRICS
    )
    return [[(item.id, round(item.similarity, 9)) for item in ranking] for ranking in rankings]


def _place(case: Path, sound: Sound) -> None:
    shutil.copytree(sound.folder, case / "library")


def _change(random: Random, case: Path, _: Sound) -> str:
    index = case / "library" / "index"
    path = random.choice(sorted(index.iterdir()))
    data = path.read_bytes()
    if random.random() < 0.6:
        return mutate.pick(random, path, data)
    # Named, and sealed, by what is in it: nothing tells that it was changed.
    if path.suffix == ".json":
        start = data.index(b'"prompts":') + len(b'"prompts":')
        text, what = mutate.json_text(random, json.loads(data[start:-1]))
        seal = hashlib.sha256(text).hexdigest().encode()
        changed = b'{"digest":"' + seal + b'","prompts":' + text + b"}"
    else:
        changed, what = mutate.damaged(random, data)
    path.unlink()
    start_of_name = path.name.partition("-")[0] + "-" if "-" in path.name else ""
    digest = hashlib.sha256(changed).hexdigest()[: len(path.stem) - len(start_of_name)]
    path.with_name(f"{start_of_name}{digest}{path.suffix}").write_bytes(changed)
    return f"forged {path.suffix}: {what}"


def _take(case: Path, sound: Sound) -> Shown:
    place = case / "library"
    intact = all(
        any(path.name == other.name for other in (sound.folder / "index").iterdir())
        for path in (place / "index").iterdir()
    )
    ranked = _ranked(place, indexed=True)
    shown = cli("library", "list", "--library", place, "--json")
    if intact and ranked != sound.ranked:
        raise WrongValue("the ranking is not that of the files")
    if intact and shown.status == 0 and json.loads(shown.out) != sound.listed:
        raise WrongValue("the list is not what the files say")
    checked = cli("library", "verify", "--library", place)
    if checked.status:
        raise WrongValue("verify finds fault with sound files")
    if _ranked(place, indexed=True) != sound.ranked:
        raise WrongValue("after verify, the ranking is not that of the files")
    again = cli("library", "list", "--library", place, "--json")
    if again.status == 0 and json.loads(again.out) != sound.listed:
        raise WrongValue("after verify, the list is not what the files say")
    return shown


FORMATS = (
    Format(name="library vectors", prepare=_prepare, place=_place, change=_change, take=_take),
)
