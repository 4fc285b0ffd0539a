"""Rows and similarities as tables: what is written is read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import SpotError
from spotfw.study.rows import (
    Row,
    Similarity,
    read_rows,
    read_similarities,
    rows_frame,
    write_rows,
    write_similarities,
)

ROWS = (
    Row(kind="source", study="s", task="a", seed=1, score=1 / 3, scores={"f1": 1 / 3, "em": 2.0}),
    Row(kind="strategy", task="b", k=3, strategy="x", error='no, "that"\nis not it', source="ä"),
)


def _write(folder: Path, rows: tuple[Row, ...]) -> None:
    try:
        write_rows(str(folder), rows)
    except SpotError as error:
        assert "pyarrow" in str(error)  # the CSV is there all the same


def test_rows_come_back(tmp_path: Path) -> None:
    _write(tmp_path, ROWS)
    assert read_rows(str(tmp_path)) == ROWS
    assert rows_frame(ROWS)["score_em"].tolist()[0] == 2.0


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        pytest.skip(f"needs a pyarrow that can be loaded: {error}")
    _write(tmp_path, ROWS)
    assert read_rows(str(tmp_path / "rows.parquet")) == ROWS


@given(st.floats(allow_nan=False), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_number_and_text(
    tmp_path_factory: pytest.TempPathFactory, value: float, text: str
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows = (Row(kind="source", task=text, score=value, error=text or None),)
    _write(folder, rows)
    assert read_rows(str(folder)) == rows


def test_similarities_come_back(tmp_path: Path) -> None:
    similarity = Similarity(
        metric="m", task_a="a", family_a="f", seed_a=0, role_a="target", id_a="x",
        task_b="b", family_b="", seed_b=2, role_b="source", id_b="y", similarity=-0.1,
    )  # fmt: skip
    try:
        write_similarities(str(tmp_path), [similarity])
    except SpotError as error:
        assert "pyarrow" in str(error)
    assert read_similarities(str(tmp_path)) == (similarity,)


@pytest.mark.parametrize("text", ["kind,seed\nsource,one\n", "a,b\n1,2\n", "\xff\xfe"])
def test_a_damaged_table_is_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "rows.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(SpotError, match=r"rows\.csv"):
        read_rows(str(tmp_path))
