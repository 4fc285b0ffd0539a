"""What ``spotfw tasks show`` prints for people."""

from __future__ import annotations

from typing import Any

from spotfw.cli.display import say, say_fact
from spotfw.tasks.whereabouts import ABSENT, BOUND

#: Keys that are not printed as a line of words.
_NOT_LINES = (
    *("examples", "lengths", "members", "shares", "rates", "tasks", "folder", "name"),
    *("how_to_get", "train_examples"),
)


def print_facts(facts: dict[str, Any]) -> None:
    """Prints a task's or mixture's facts, its examples and its lengths."""
    from spotfw.cli.display import print_table

    say_fact("name", facts["name"])
    for key, value in facts.items():
        text = _words(key, value, facts)
        if key not in _NOT_LINES and text:
            say_fact(key, text)
    if facts.get("at") == ABSENT and facts["how_to_get"]:
        say(f"\nThe data is not on this machine. {facts['how_to_get']}", wrapped=True)
    if facts.get("members"):
        say()
        print_table(
            ["task", "training examples", "", "share", "data"],
            [
                [
                    m["task"],
                    m["examples"],
                    m["counted"],
                    None if m["share"] is None else f"{m['share']:.2%}",
                    m["at"],
                ]
                for m in facts["members"]
            ],
        )
        _without_shares(facts["members"])
    for number, example in enumerate(facts.get("examples", ()), 1):
        _example(number, example)
    if facts.get("lengths"):
        _lengths(facts["lengths"])


def _without_shares(members: list[dict[str, Any]]) -> None:
    """Says for which members the number of examples, and so every share, is not known."""
    unknown = [m["task"] for m in members if not m["examples"]]
    if unknown and members[0]["share"] is None:
        say(
            "\nNo shares: the number of training examples is not known without the data of "
            f"{' and '.join(unknown)} (`spotfw tasks bind {unknown[0]} FOLDER`).",
            wrapped=True,
        )


def _words(key: str, value: Any, facts: dict[str, Any]) -> str:
    if key == "splits":
        rows = ", ".join(k if n is None else f"{k} ({n:,})" for k, n in value.items())
        size = facts.get("train_examples")
        more = size is not None and size != value.get("train")
        rows = f"{rows}; {size:,} training examples" if more else rows
        return f"{rows}, as published" if facts.get("at") == BOUND else rows
    if key == "at":
        return f"{value} ({facts['folder']})" if facts["folder"] else str(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _example(number: int, example: dict[str, Any]) -> None:
    say(f"\n{number}. {example['task']}, {example['split']}")
    for side in ("inputs", "targets"):
        say(f"   {side}: {example[side]}", wrapped=True)
        if f"{side}_pieces" in example:
            pieces = example[f"{side}_pieces"]
            say(f"      {len(pieces)} tokens: {' '.join(pieces)}")


def _lengths(splits: list[dict[str, Any]]) -> None:
    """Two tables: percentiles, and what limits cut; an asterisk marks the model's own."""
    from spotfw.cli.display import print_table

    sides = [(split, side, split[side]) for split in splits for side in ("inputs", "targets")]
    columns = list(sides[0][2]["percentiles"])
    say()
    print_table(
        [
            *("split", "", "rows", "unknown", "mean"),
            *(c if c == "max" else f"{c}%" for c in columns),
        ],
        [
            [
                *(_place(split, splits), side, split["rows"]),
                *(f"{lengths['unknown']:.1%}", lengths["mean"]),
                *lengths["percentiles"].values(),
            ]
            for split, side, lengths in sides
        ],
        title="Length in tokens, with the end token: so many percent are no longer",
    )
    limits = sorted({int(limit) for _, _, lengths in sides for limit in lengths["cut"]})
    say()
    print_table(
        ["split", "", *(str(limit) for limit in limits)],
        [
            [_place(split, splits), side, *(_cut(lengths, limit) for limit in limits)]
            for split, side, lengths in sides
        ],
        title="Share of the examples that a limit of so many tokens cuts (* a tuning's default)",
    )


def _place(split: dict[str, Any], splits: list[dict[str, Any]]) -> str:
    several = len({other["task"] for other in splits}) > 1
    return f"{split['task']} {split['split']}" if several else str(split["split"])


def _cut(lengths: dict[str, Any], limit: int) -> str | None:
    share = lengths["cut"].get(str(limit))
    if share is None:
        return None
    return f"{share:.1%}{'*' if limit == lengths['limit'] else ''}"
