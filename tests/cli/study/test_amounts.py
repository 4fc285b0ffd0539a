"""``--resource LABEL=AMOUNT``."""

from __future__ import annotations

import pytest

from spotfw.cli.study.amounts import amounts
from spotfw.errors import WrongUse


def test_amounts_by_label() -> None:
    assert amounts(("gpus=1", "memory=8e9")) == {"gpus": 1.0, "memory": 8e9}
    assert amounts(()) is None


@pytest.mark.parametrize("text", ["gpus", "=1", "gpus=", "gpus=x", "gpus=0", "gpus=-1", "cpus=inf"])
def test_what_names_no_amount(text: str) -> None:
    with pytest.raises(WrongUse, match="names no amount"):
        amounts((text,))
