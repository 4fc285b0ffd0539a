"""``--resource LABEL=AMOUNT[/tuning]``."""

from __future__ import annotations

import pytest

from spotfw.cli.study.amounts import amounts
from spotfw.errors import WrongUse


def test_amounts_by_label() -> None:
    worker = {"gpus": 1.0, "memory": 8e9}
    assert amounts(("gpus=1", "memory=8e9")) == (worker, {})
    assert amounts(("gpus=1", "memory=8e9", "memory=1e9/tuning")) == (worker, {"memory": 1e9})
    assert amounts(()) == ({}, {})


_WRONG = ["gpus", "=1", "gpus=", "gpus=x", "gpus=0", "gpus=-1", "cpus=inf", "gpus=1/cell"]


@pytest.mark.parametrize("text", [*_WRONG, "gpus=/tuning"])
def test_what_names_no_amount(text: str) -> None:
    with pytest.raises(WrongUse, match="names no amount"):
        amounts((text,))
