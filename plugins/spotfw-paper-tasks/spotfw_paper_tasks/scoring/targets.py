"""Post-processors that hand metrics the right answers beside the model's text.

Both follow seqio's convention: of a target they give what `Example.extra` holds, of a
prediction its text.
"""

from __future__ import annotations

from typing import Any


def answers(text: str, example: Any = None, is_target: bool = False) -> Any:
    """All right answers of a question, a list of texts; or the text predicted."""
    return list(example.extra["answers"]) if is_target else text


def references(text: str, example: Any = None, is_target: bool = False) -> Any:
    """All references, a list of texts; with the source too where SARI needs it."""
    if not is_target:
        return text
    extra = example.extra
    if "source" not in extra:
        return list(extra["references"])
    return {"source": extra["source"], "references": list(extra["references"])}
