"""Text as T5 writes questions: white space folded, punctuation of SQuAD set apart.

After t5.data.preprocessors.squad, character for character, without TensorFlow.
"""

from __future__ import annotations

import re
import string

# TensorFlow's regular expressions (RE2) know only these as white space and punctuation.
_SPACE = re.compile(r"[\t\n\f\r ]+")
_PUNCTUATION = re.compile(f"([{re.escape(string.punctuation)}])")


def join(*parts: str) -> str:
    """The parts with a space between, every run of white space made one space."""
    return _SPACE.sub(" ", " ".join(parts))


def pad_punctuation(text: str) -> str:
    """A space on both sides of ASCII punctuation, white space folded."""
    return _SPACE.sub(" ", _PUNCTUATION.sub(r" \1 ", text))
