"""Well-formed or not: sentences that are damaged, and the words that were."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from spotfw_english.pretraining.made.draw import Draw, NothingDrawn, Pair
from spotfw_english.pretraining.wording import MARKS, spaced, upper_first, word_list

AUXILIARIES = word_list(
    """
    is are was were has have had can could will would should may might must does do did
    """
)
PREPOSITIONS = word_list(
    """
    in on at to for of with from by about into over under between through during against
    """
)
DETERMINERS = word_list("the a an this that these those some any every each no")
#: Words that carry grammar and little meaning.
FUNCTION_WORDS = frozenset(
    [
        *PREPOSITIONS,
        *DETERMINERS,
        *AUXILIARIES,
        *word_list(
            """
            and or but not he she it they we you i who which what when where how why
            if than then so as be been being him her them his its their our your my me
            us to
            """
        ),
    ]
)
_INSERTED = (*PREPOSITIONS, *DETERMINERS[:5], *word_list("to is that he it did who what been"))
_SWAPPED_FORMS = """is are|was were|has have|does do|this these|that those|a an|he him|she her|
they them|I me|we us|himself themselves|herself himself|myself yourself|who whom|much many|its it's|
his he|their they|our we|my I|child children|man men|woman women|goes go|makes make|takes take|
says say|comes come|gives give|knows know|seems seem|wants want|needs need|looks look|works work|
lives live|went gone|saw seen|took taken|gave given|came come|did done|wrote written|knew known|
began begun|be been|being been|having had|to for|there their"""
_ENDING = re.compile(r"(s|ed|ing)$")


def _forms() -> dict[str, list[str]]:
    forms: dict[str, list[str]] = {}
    for pair in _SWAPPED_FORMS.replace("\n", "").split("|"):
        first, second = pair.split()
        forms.setdefault(first, []).append(second)
        forms.setdefault(second, []).append(first)
    return forms


#: By word, others of its kind that do not fit in its place.
_FORMS = _forms()
#: Words and the place of the damage; None where it cannot be done.
_Damaged = tuple[list[str], int] | None


def damaged(words: Sequence[str], rng: random.Random) -> tuple[list[str], int]:
    """Words of a sentence with one thing wrong, and where.

    Raises:
      NothingDrawn: none of a few ways could be taken.
    """
    for _ in range(6):
        (damage,) = rng.choices(list(_DAMAGES), list(_DAMAGES.values()))
        made = damage(list(words), [word.strip(MARKS).lower() for word in words], rng)
        if made is None:
            continue
        broken, place = made
        if _plain(broken) != _plain(words) and broken:
            if words[0][:1].isupper():
                broken[0] = upper_first(broken[0])
            return broken, min(place, len(broken) - 1)
    raise NothingDrawn


def _plain(words: Sequence[str]) -> list[str]:
    return [word.lower().strip(".,") for word in words]


def _other_form(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    places = [n for n, word in enumerate(words) if word in _FORMS or plain[n] in _FORMS]
    if not places:
        return None
    place = rng.choice(places)
    form = rng.choice(_FORMS.get(words[place]) or _FORMS[plain[place]])
    words[place] = words[place].replace(words[place].strip(MARKS), form)
    return words, place


def _neighbours_swapped(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    if len(words) < 2:
        return None
    place = rng.randrange(len(words) - 1)
    words[place], words[place + 1] = words[place + 1], words[place]
    if place + 2 == len(words) and words[place][-1] in ".!?":
        words[place + 1] += words[place][-1]
        words[place] = words[place][:-1]
    return words, place


def _function_word_lost(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    places = [n for n, word in enumerate(plain) if word in FUNCTION_WORDS]
    if not places:
        return None
    place = rng.choice(places)
    del words[place]
    return words, place


def _word_inserted(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    place = rng.randrange(len(words))
    words.insert(place, rng.choice(_INSERTED))
    return words, place


def _function_word_wrong(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    places = [n for n, word in enumerate(plain) if word in PREPOSITIONS or word in DETERMINERS]
    if not places:
        return None
    place = rng.choice(places)
    words[place] = rng.choice(PREPOSITIONS if plain[place] in PREPOSITIONS else DETERMINERS)
    return words, place


def _ending_wrong(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    places = [n for n, word in enumerate(plain) if len(word) > 4 and _ENDING.search(word)]
    if not places:
        return None
    place = rng.choice(places)
    word = words[place].rstrip(".,!?;:")
    marks = words[place][len(word) :]
    words[place] = _ENDING.sub("", word) + rng.choice(("", "s", "ed", "ing")) + marks
    return words, place


def _word_moved(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    if len(words) < 5:
        return None
    begin, end = rng.randrange(len(words)), rng.randrange(len(words))
    if abs(end - begin) < 2:
        return None
    words.insert(end, words.pop(begin))
    return words, end


def _four_shuffled(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    if len(words) < 6:
        return None
    place = rng.randrange(len(words) - 3)
    words[place : place + 4] = rng.sample(words[place : place + 4], 4)
    return words, place


def _auxiliary_moved(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    places = [n for n, word in enumerate(plain) if n and word in AUXILIARIES]
    if not places:
        return None
    place = rng.choice(places)
    others = {0, max(0, place - 3), min(len(words) - 1, place + 2)} - {place}
    words.insert(rng.choice(sorted(others)), words.pop(place))
    return words, place


def _meanings_swapped(words: list[str], plain: list[str], rng: random.Random) -> _Damaged:
    places = [n for n, word in enumerate(plain) if len(word) > 3 and word not in FUNCTION_WORDS]
    if len(places) < 2:
        return None
    first, second = rng.sample(places, 2)
    words[first], words[second] = words[second], words[first]
    return words, first


#: Ways to damage a sentence, with how often each is taken.
_DAMAGES: dict[Callable[[list[str], list[str], random.Random], _Damaged], float] = {
    _other_form: 0.26,
    _neighbours_swapped: 0.10,
    _function_word_lost: 0.10,
    _word_inserted: 0.10,
    _function_word_wrong: 0.10,
    _ending_wrong: 0.08,
    _word_moved: 0.10,
    _four_shuffled: 0.06,
    _auxiliary_moved: 0.05,
    _meanings_swapped: 0.05,
}


def _plain_sentence(draw: Draw, fewest: int = 4, most: int = 22) -> str:
    simple = (
        "common_voice_sentences",
        "gsm8k_word_problems",
        "pratham_storybooks",
        "african_storybook",
        "classic_books",
        "dialogue_topical_chat",
    )
    for _ in range(40):
        only = () if draw.rng.random() < 0.6 else simple
        _, some = draw.sentences(1, *only, shortest=14, longest=170, prose=False)
        text = draw.rng.choice(some)
        whole = text[0].isupper() and text[-1] in ".!?" and '"' not in text and ":" not in text
        if whole and fewest <= len(text.split()) <= most:
            return text
    raise NothingDrawn


def acceptable(draw: Draw) -> Pair:
    """Is a sentence good English?"""
    rng = draw.rng
    text, answer = _plain_sentence(draw), 1
    if draw.coin():
        text, answer = " ".join(damaged(text.split(), rng)[0]), 0
    if rng.random() < 0.06:
        text = spaced(text)
    prefixes = (
        "sentence:",
        "is this good English? sentence:",
        "acceptable?",
        "grammar:",
        "well-formed:",
        "check the grammar:",
        "linguistic acceptability sentence:",
    )
    labels = (
        *[("unacceptable", "acceptable")] * 4,
        ("incorrect", "correct"),
        ("no", "yes"),
        ("wrong", "right"),
        ("bad", "good"),
        ("broken", "fine"),
        ("False", "True"),
    )
    return draw.labelled(prefixes, text, rng.choice(labels), answer)


def repair(draw: Draw) -> Pair:
    """The sentence that was damaged, or the word that is wrong."""
    rng = draw.rng
    text = _plain_sentence(draw, most=14)
    broken, place = damaged(text.split(), rng)
    if len(text.split()) <= 11 and draw.coin():
        return f"{rng.choice(('correct:', 'fix the grammar:', 'repair:'))} {' '.join(broken)}", text
    questions = ("where is the mistake?", "which word is wrong?", "find the error:")
    return f"{rng.choice(questions)} {' '.join(broken)}", broken[place]
