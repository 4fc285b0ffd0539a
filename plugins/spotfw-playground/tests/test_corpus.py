"""The unlabelled text: reproducible, and free of what the tasks are scored on."""

from __future__ import annotations

import itertools

import pytest

from spotfw_playground.corpus import documents
from spotfw_playground.families import SPECS
from spotfw_playground.specs import rows


def _some(seed: int, count: int = 3000) -> list[str]:
    return list(itertools.islice(documents(seed), count))


def test_a_seed_gives_the_same_documents() -> None:
    assert _some(1, 200) == _some(1, 200)
    assert _some(1, 200) != _some(2, 200)


def test_documents_are_varied_sentences() -> None:
    texts = _some(0)
    assert len(set(texts)) > 0.95 * len(texts)
    assert all(text[-1] in ".?!" and text == text.lower() for text in texts)


def test_no_document_has_a_tasks_layout() -> None:
    corpus = "\n".join(_some(0))
    for spec in SPECS:
        opening = spec.template.split("{}")[0]
        assert opening and opening not in corpus, spec.name


@pytest.mark.slow
def test_no_document_tells_a_held_out_example() -> None:
    held_out: dict[str, set[tuple[str, ...]]] = {}
    for spec in SPECS:
        for split in ("validation", "test"):
            for row in rows(spec, split):
                held_out.setdefault(row.fields[0], set()).add(row.fields)
    longest = [text for text in held_out if len(text.split()) > 3]
    texts = _some(5, 1500)
    for text in texts:
        for opening in longest:
            if opening in text:
                assert not any(_in_order(fields, text) for fields in held_out[opening]), text


def _in_order(fields: tuple[str, ...], text: str) -> bool:
    at = 0
    for field in fields:
        at = text.find(field, at)
        if at < 0:
            return False
        at += len(field)
    return True
