"""One self-contained HTML page that shows every task and some of the world's text."""

from __future__ import annotations

import itertools
from html import escape

from spotfw_playground.corpus import documents
from spotfw_playground.families import SPECS
from spotfw_playground.specs import TaskSpec, rows

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fdfdfb; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
td, th { text-align: left; padding: .25rem .6rem; border-top: 1px solid #e4e4de;
         vertical-align: top; }
td:last-child { white-space: nowrap; font-weight: 600; }
.about { color: #666; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818; }
  td, th { border-color: #333; } .about { color: #999; } }
"""


def page(examples: int = 5, texts: int = 20, noise: float = 0.0) -> str:
    """The page's HTML.

    Args:
      examples: shown of each task.
      texts: documents shown of the corpus.
      noise: share of training labels replaced.
    """
    families = dict.fromkeys(spec.family for spec in SPECS)
    rich = sum(spec.is_source for spec in SPECS)
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>The playground</title><style>{_STYLE}</style><h1>The playground</h1>",
        f"<p>{len(SPECS)} generated tasks in {len(families)} families: {rich} are rich and can "
        "be learned from, the others have a few hundred examples. What stands here are training "
        "examples, as the model sees them.</p>",
    ]
    for family in families:
        parts.append(f"<h2>{escape(family)}</h2>")
        parts += [_task(s, examples, noise) for s in SPECS if s.family == family]
    parts.append(
        "<h2>The world's text</h2><p class='about'>What the bundled model was pre-trained on: no "
        "task's layout, no labels.</p><ul>"
    )
    corpus = itertools.islice(documents("page"), texts)
    parts += [f"<li>{escape(text)}</li>" for text in corpus]
    parts.append("</ul></html>\n")
    return "\n".join(parts)


def _task(spec: TaskSpec, examples: int, noise: float) -> str:
    shown = rows(spec, "train", noise)[:examples]
    lines = "".join(
        f"<tr><td>{escape(row.inputs)}</td><td>{escape(row.targets)}</td></tr>" for row in shown
    )
    labels = ", ".join(spec.labels) or "free text"
    return (
        f"<h3>{escape(spec.name)}</h3><p class='about'>{escape(spec.description)} "
        f"{spec.train:,} / {spec.validation} / {spec.test} examples; answers: {escape(labels)}; "
        f"scored by {escape(', '.join(spec.metrics))}.</p>"
        f"<table><tr><th>input</th><th>target</th></tr>{lines}</table>"
    )
