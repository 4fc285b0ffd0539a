"""The page of a library on the Hugging Face hub: its README.md, made from the prompts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

import attrs

from spotfw.library.index import Entry

#: By this line a page is known as one that may be written anew.
MARK = "<!-- Made by `spotfw library push`, which writes it anew. -->"

#: Of data and prompts, where nobody said it.
UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class CardFacts:
    """What a page says that the prompts do not.

    Attributes:
      repo: ``user/name``.
      licence: of the prompts, as the hub writes it (``apache-2.0``, ``cc-by-4.0``).
      base_model: the frozen model on the hub, ``google/t5-base-lm-adapt``.
    """

    repo: str
    licence: str = UNKNOWN
    base_model: str | None = None


def card(entries: Sequence[Entry], facts: CardFacts) -> str:
    """The page, Markdown with the hub's metadata in front.

    Args:
      entries: of the library.
      facts: about it.
    """
    metadata = ["library_name: spotfw", f"license: {json.dumps(facts.licence)}"]
    if facts.base_model is not None:
        metadata.append(f"base_model: {json.dumps(facts.base_model)}")
    metadata += ["tags:", "- spotfw", "- soft-prompt", "- prompt-tuning", "- t5"]
    tasks = {entry.provenance.task for entry in entries}
    return "\n".join(
        [
            "---",
            *metadata,
            "---",
            MARK,
            f"# {facts.repo}",
            "",
            f"A library of {len(entries)} soft prompts for {len(tasks)} tasks, learned by prompt "
            "tuning on a frozen T5 (Lester et al. 2021) and kept with their task embeddings (SPoT, "
            "Vu et al. 2022). Each file is one tensor `prompt`, float32 [length, width], with "
            "where it comes from in its header; a file is named by the hash of its content.",
            "",
            "```sh",
            f"spotfw library list hf://{facts.repo}",
            f"spotfw library rank my-prompt.safetensors --library hf://{facts.repo}",
            f"spotfw transfer my_task --model MODEL --library mine --library hf://{facts.repo}",
            "```",
            "",
            "## Models",
            "",
            "A prompt works only with the frozen weights it was learned for; the fingerprint is "
            "of these weights.",
            "",
            *_table(("model", "fingerprint", "width", "length", "prompts"), _models(entries)),
            "",
            "## Prompts",
            "",
            "Scores are of the validation split, 0-100, the mean of the metrics named.",
            "",
            *_table(
                ("id", "task", "family", "seed", "step", "score", "metrics", "licence of the data"),
                map(_row, entries),
            ),
            "",
            f"Licence of the prompts: {_cell(facts.licence)}. What is said to be {UNKNOWN} nobody "
            "has stated: ask whoever pushed it before you build on it.",
            "",
        ]
    )


def _models(entries: Sequence[Entry]) -> Iterable[Sequence[object]]:
    kinds = [
        (e.provenance.model or UNKNOWN, e.provenance.fingerprint or UNKNOWN, e.width, e.length)
        for e in entries
    ]
    return [(*kind, kinds.count(kind)) for kind in sorted(set(kinds))]


def _row(entry: Entry) -> Sequence[object]:
    origin = entry.provenance
    metrics = ", ".join(
        name if value is None else f"{name} {value:.1f}" for name, value in origin.metrics.items()
    )
    return (
        f"`{entry.id}`",
        origin.task or UNKNOWN,
        origin.family or "",
        "" if origin.seed is None else origin.seed,
        "" if origin.step is None else origin.step,
        "" if origin.score is None else f"{origin.score:.1f}",
        metrics,
        origin.extra.get("licence_of_data") or UNKNOWN,
    )


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [names, ["---"] * len(names), *([_cell(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _cell(value: object) -> str:
    """A text of anyone's as a cell: one line, without Markdown's and HTML's signs."""
    text = " ".join(str(value).split())[:120]
    return re.sub(r"([\\|<>\[\]*_#])", r"\\\1", text)
