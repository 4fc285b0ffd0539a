"""What ``spotfw tasks show`` prints for people."""

from __future__ import annotations

from typing import Any

from spotfw.cli.display import say
from spotfw.tasks.whereabouts import ABSENT, BOUND

#: Told otherwise than as a line of words.
_APART = (
    *("examples", "lengths", "members", "shares", "rates", "tasks", "folder", "name"),
    *("how_to_get", "train_examples"),
)


def print_facts(told: dict[str, Any]) -> None:
    """Prints a task's or mixture's facts, its examples and its lengths."""
    from spotfw.cli.display import print_table

    say(f"{'name':<12} {told['name']}")
    for key, value in told.items():
        text = _words(key, value, told)
        if key not in _APART and text:
            say(f"{key:<12} {text}")
    if told.get("at") == ABSENT and told["how_to_get"]:
        say(f"\nThe data is not on this machine. {told['how_to_get']}")
    if told.get("members"):
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
                for m in told["members"]
            ],
        )
        _without_shares(told["members"])
    for number, example in enumerate(told.get("examples", ()), 1):
        _example(number, example)
    if told.get("lengths"):
        _lengths(told["lengths"])


def _without_shares(members: list[dict[str, Any]]) -> None:
    """Says whose number of examples is missing for shares."""
    unknown = [m["task"] for m in members if not m["examples"]]
    if unknown and members[0]["share"] is None:
        say(
            "\nNo shares: how many training examples there are is not known without the data of "
            f"{' and '.join(unknown)} (`spotfw tasks bind {unknown[0]} FOLDER`)."
        )


def _words(key: str, value: Any, told: dict[str, Any]) -> str:
    if key == "splits":
        rows = ", ".join(k if n is None else f"{k} ({n:,})" for k, n in value.items())
        size = told.get("train_examples")
        more = size is not None and size != value.get("train")
        rows = f"{rows}; {size:,} training examples" if more else rows
        return f"{rows}, as published" if told.get("at") == BOUND else rows
    if key == "at":
        return f"{value} ({told['folder']})" if told["folder"] else str(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _example(number: int, example: dict[str, Any]) -> None:
    say(f"\n{number}. {example['task']}, {example['split']}")
    for side in ("inputs", "targets"):
        say(f"   {side}: {example[side]}")
        if f"{side}_pieces" in example:
            pieces = example[f"{side}_pieces"]
            say(f"      {len(pieces)} tokens: {' '.join(pieces)}")


def _lengths(told: list[dict[str, Any]]) -> None:
    """Two tables: percentiles, and what limits cut; an asterisk marks the model's own."""
    from spotfw.cli.display import print_table

    sides = [(one, side, one[side]) for one in told for side in ("inputs", "targets")]
    columns = list(sides[0][2]["percentiles"])
    say()
    print_table(
        [
            *("split", "", "rows", "unknown", "mean"),
            *(c if c == "max" else f"{c}%" for c in columns),
        ],
        [
            [
                *(_place(one, told), side, one["rows"], f"{found['unknown']:.1%}", found["mean"]),
                *found["percentiles"].values(),
            ]
            for one, side, found in sides
        ],
        title="Length in tokens, the end among them, that so many percent do not exceed",
    )
    limits = sorted({int(limit) for _, _, found in sides for limit in found["cut"]})
    say()
    print_table(
        ["split", "", *(str(limit) for limit in limits)],
        [
            [_place(one, told), side, *(_cut(found, n) for n in limits)]
            for one, side, found in sides
        ],
        title="Share of the examples that a limit of so many tokens cuts (* a tuning's default)",
    )


def _place(one: dict[str, Any], told: list[dict[str, Any]]) -> str:
    several = len({other["task"] for other in told}) > 1
    return f"{one['task']} {one['split']}" if several else str(one["split"])


def _cut(found: dict[str, Any], limit: int) -> str | None:
    share = found["cut"].get(str(limit))
    if share is None:
        return None
    return f"{share:.1%}{'*' if limit == found['limit'] else ''}"
