"""Edits of a sentence: those that keep its meaning, or nearly, and those that change it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from spotfw_english.pretraining.made.draw import NothingDrawn
from spotfw_english.pretraining.made.grammar import FUNCTION_WORDS
from spotfw_english.pretraining.made.meaning_words import ALIKE, OPPOSITE
from spotfw_english.pretraining.wording import MARKS, lower_first, upper_first, word_set

_LEADING_CLAUSE = re.compile(
    r"^((?:When|After|Before|While|Although|If|Because|In|On|At|During|By|With|For|As|Since|From) "
    r"[^,]{6,80}), ([^,].*[^.!?])([.!?])$"
)
_IN_BRACKETS = re.compile(r" ?\([^)]{2,60}\)")
_RELATIVE_CLAUSE = re.compile(r", (?:who|which|where|including|such as) [^,.]{4,80},")
_TWO_CLAUSES = re.compile(r"^(.{15,100}?), and (.{15,})$")
_NUMBER = re.compile(r"\d[\d,]*(\.\d+)?")
_NAME_WITHIN = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}")
_FILLERS = word_set("very also really quite then just however, therefore even still well")
_SPLIT_FORMS = (("'re ", " are "), ("'ve ", " have "), ("'ll ", " will "), ("I'm", "I am"))
_JOINED_FORMS = (
    (" do not ", " don't "),
    (" did not ", " didn't "),
    (" is not ", " isn't "),
    (" was not ", " wasn't "),
    (" I am ", " I'm "),
)
_NEGATED = word_set("is are was were has can could will would should may must did does do")


def kept(text: str, rng: random.Random, strength: float = 1.0) -> str:
    """The sentence in other words that mean (nearly) the same.

    Args:
      text: a sentence.
      rng: which edits.
      strength: how many words are replaced, around 1.
    """
    edited = text
    if rng.random() < 0.35 and (match := _LEADING_CLAUSE.match(edited)):
        clause, rest, end = match.groups()
        edited = f"{upper_first(rest)} {lower_first(clause)}{end}"
    if rng.random() < 0.4:
        edited = _IN_BRACKETS.sub("", edited)
    if rng.random() < 0.35:
        edited = _RELATIVE_CLAUSE.sub("", edited, count=1)
    if rng.random() < 0.4:
        edited = _contracted(edited)
    edited = _reworded(edited, rng, strength)
    if rng.random() < 0.15 * strength and (match := _TWO_CLAUSES.match(edited)):
        edited = f"{match.group(1)}. {upper_first(match.group(2))}"
    return edited if edited.strip() else text


def _contracted(text: str) -> str:
    """With one contraction taken apart, or one made."""
    if "can't" in text:
        return text.replace("can't", "cannot", 1)
    if "n't" in text:
        return text.replace("n't", " not")
    for long, short in _SPLIT_FORMS if "'" in text else _JOINED_FORMS:
        if long in text:
            return text.replace(long, short)
    return text


def _reworded(text: str, rng: random.Random, strength: float) -> str:
    words: list[str] = []
    for place, word in enumerate(text.split(" ")):
        core = word.strip(MARKS)
        low = core.lower()
        if low in ALIKE and rng.random() < 0.55 * strength:
            words.append(word.replace(core, _as_capital(rng.choice(ALIKE[low]), core)))
        elif place and (low.endswith("ly") or low in _FILLERS) and rng.random() < 0.5:
            if word[-1:] in (".", ",", "!", "?"):
                words[-1] += word[-1]
        else:
            words.append(word)
    return " ".join(words)


def changed(text: str, rng: random.Random, names: Sequence[str] = ()) -> str:
    """The sentence with another meaning: a number, a name, a negation, an opposite.

    Args:
      text: a sentence.
      rng: which of the ways that are open.
      names: that may stand for one of its own.

    Raises:
      NothingDrawn: none is.
    """
    words = text.split(" ")
    cores = [word.strip(MARKS) for word in words]
    for change in rng.sample(_CHANGES, len(_CHANGES)):
        made = change(list(words), cores, rng, names)
        if made is not None:
            return " ".join(made)
    raise NothingDrawn


def _number(
    words: list[str], cores: list[str], rng: random.Random, names: Sequence[str]
) -> list[str] | None:
    places = [n for n, core in enumerate(cores) if _NUMBER.fullmatch(core)]
    if not places:
        return None
    place = rng.choice(places)
    value = int(float(cores[place].replace(",", "")))
    if 1000 <= value <= 2030 and "," not in cores[place]:  # a year
        other = value + rng.choice((-40, -25, -12, -7, -3, -1, 1, 2, 5, 9, 20))
    elif value >= 3:
        away = max(1, int(value * rng.choice((0.01, 0.3, 0.5, 1.5))))
        other = abs(value + rng.choice((-1, 1)) * away)
    else:
        other = value + rng.choice((1, 2, 5))
    words[place] = words[place].replace(cores[place], str(other))
    return words


def _name(
    words: list[str], cores: list[str], rng: random.Random, names: Sequence[str]
) -> list[str] | None:
    places = _names_at(cores)
    others = [name for name in names if name not in cores]
    if not places or not others:
        return None
    place = rng.choice(places)
    words[place] = words[place].replace(cores[place], rng.choice(others))
    return words


def _negation(
    words: list[str], cores: list[str], rng: random.Random, names: Sequence[str]
) -> list[str] | None:
    plain = [core.lower() for core in cores]
    negations = [n for n, word in enumerate(plain) if word in ("not", "never")]
    if negations:
        del words[negations[0]]
        return words
    for place, word in enumerate(words):
        if "n't" in word and plain[place] not in ("can't", "won't"):
            words[place] = word.replace("n't", "", 1)
            return words
    verbs = [n for n, word in enumerate(plain) if word in _NEGATED]
    if not verbs:
        return None
    words.insert(verbs[0] + 1, rng.choice(("not", "not", "never")))
    return words


def _opposite(
    words: list[str], cores: list[str], rng: random.Random, names: Sequence[str]
) -> list[str] | None:
    places = [n for n, core in enumerate(cores) if core.lower() in OPPOSITE]
    if not places:
        return None
    place = rng.choice(places)
    other = _as_capital(OPPOSITE[cores[place].lower()], cores[place])
    words[place] = words[place].replace(cores[place], other)
    return words


def _names_swapped(
    words: list[str], cores: list[str], rng: random.Random, names: Sequence[str]
) -> list[str] | None:
    places = _names_at(cores)
    if len({cores[place] for place in places}) < 2:
        return None
    first, second = rng.sample(places, 2)
    if cores[first] == cores[second]:
        return None
    words[first] = words[first].replace(cores[first], cores[second])
    words[second] = words[second].replace(cores[second], cores[first])
    return words


_Change = Callable[[list[str], list[str], random.Random, Sequence[str]], "list[str] | None"]
_CHANGES: tuple[_Change, ...] = (_number, _name, _negation, _opposite, _names_swapped)


def names_in(texts: Sequence[str]) -> list[str]:
    """Names within sentences, sorted."""
    return sorted({name for text in texts for name in _NAME_WITHIN.findall(text)})


def _names_at(cores: Sequence[str]) -> list[int]:
    return [
        n
        for n, core in enumerate(cores)
        if n and core[:1].isupper() and len(core) > 2 and core.isalpha() and not _is_function(core)
    ]


def _is_function(word: str) -> bool:
    return word.lower() in FUNCTION_WORDS


def _as_capital(word: str, model: str) -> str:
    return word.capitalize() if model[:1].isupper() else word
