"""A mixture in seqio's terms."""

from __future__ import annotations

import json

import pytest

from spotfw.plugins import Plugins

HEAD = 'inputs = "{word}"\ntargets = "{word}"\n[task.splits]\n'


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOTFW_TASKS", str(tmp_path))
    text = ""
    for name, count in (("small", 4), ("large", 12)):
        rows = "".join(json.dumps({"word": f"{name} {i}"}) + "\n" for i in range(count))
        (tmp_path / f"{name}.jsonl").write_text(rows)
        text += f'[[task]]\nname = "{name}"\n{HEAD}'
        text += "".join(f'{split} = "{name}.jsonl"\n' for split in ("train", "validation"))
    for name, rates in (("by_size", ""), ("by_rate", "rates = [1, 2]")):
        text += f'[[mixture]]\nname = "{name}"\ntasks = ["small", "large"]\n{rates}\n'
    (tmp_path / "tasks.toml").write_text(text)
    return Plugins(entry_points=False)


@pytest.mark.parametrize(
    ("name", "limit", "rates"),
    [("by_size", 2**19, (4, 12)), ("by_size", 6, (4, 6)), ("by_rate", 2**19, (1, 2))],
)
def test_rates_and_examples(plugins, name, limit, rates):
    from spotfw.tasks.seqio.compat import seqio
    from spotfw.tasks.seqio.mixture import as_seqio

    vocabulary = seqio.ByteVocabulary()
    mixed = as_seqio(plugins.task(name), vocabulary, limit)
    assert {t.name: mixed.get_rate(t) for t in mixed.tasks} == dict(
        zip(("small", "large"), map(float, rates), strict=True)
    )
    lengths = {"inputs": 16, "targets": 16}
    examples = mixed.get_dataset(lengths, "train", shuffle=False, num_epochs=None, seed=0)
    texts = [
        vocabulary.decode(e["inputs"].tolist()).partition(" ")[0]
        for e in examples.take(400).as_numpy_iterator()
    ]
    share = texts.count("large") / len(texts)
    assert share == pytest.approx(rates[1] / sum(rates), abs=0.08)
