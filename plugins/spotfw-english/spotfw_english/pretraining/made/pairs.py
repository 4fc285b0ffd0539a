"""Pairs of texts: do they say the same, does one follow from the other, how alike are they?"""

from __future__ import annotations

import re

from spotfw_english.pretraining.made.draw import Draw, NothingDrawn, Pair
from spotfw_english.pretraining.made.edits import changed, kept, names_in
from spotfw_english.pretraining.made.grammar import FUNCTION_WORDS
from spotfw_english.pretraining.wording import (
    as_it_is,
    lower_first,
    style_of,
    unspaced,
    upper_first,
    word_set,
    words_of,
)

_INFORMATIVE = (
    "wikipedia_vital_articles",
    "presidential_speeches",
    "un_general_debate",
    "masc_written_spoken",
    "openstax_ccby_at_head",
    "wikipedia_leads",
)
_CLAUSES = re.compile(
    r", (?:and|but|which|who|where|while|because|although) |; | because | although "
    r"| and (?=he|she|it|they|the|his|her)|, "
)
_VERB = re.compile(
    r"\b(is|are|was|were|has|had|have|can|will|would|did|\w+ed|said|made|went|took|came|gave)\b"
)
_VERBS_FIRST = word_set("is are was were can could will would should may must has have had")
_PRONOUNS = word_set("this these he she it they there what who if when that which where how")


def same_meaning(draw: Draw) -> Pair:
    """Do two texts say the same?"""
    rng = draw.rng
    answer = draw.coin()
    if draw.labels.splits and rng.random() < 0.35:
        first, second = _split_pair(draw, answer)
    else:
        first, second = _edited_pair(draw, answer)
    if draw.coin():
        first, second = second, first
    style = style_of(rng)
    names = rng.choice(
        (
            *[("sentence1", "sentence2")] * 3,
            ("question1", "question2"),
            ("first", "second"),
            ("A", "B"),
            ("text1", "text2"),
        )
    )
    prefixes = (
        "same meaning?",
        "paraphrase:",
        "do they say the same?",
        "equivalent?",
        "compare:",
        "duplicate?",
    )
    labels = (
        *[("not_equivalent", "equivalent")] * 3,
        ("no", "yes"),
        ("different", "same"),
        ("not_duplicate", "duplicate"),
        ("False", "True"),
        ("0", "1"),
    )
    body = ((names[0], style(first)), (names[1], style(second)))
    return draw.labelled(prefixes, body, rng.choice(labels), answer)


def _split_pair(draw: Draw, same: int) -> tuple[str, str]:
    """A sentence and the two that it was split into; or changed ones, or a part."""
    rng = draw.rng
    whole, first, second = map(unspaced, rng.choice(draw.labels.splits))
    both = f"{first} {second}"
    if same:
        return whole, kept(both, rng) if draw.coin() else both
    chance = rng.random()
    if chance < 0.55:
        other = changed(both, rng, names_in([rng.choice(draw.labels.splits)[0]]))
        return whole, kept(other, rng, 0.5) if draw.coin() else other
    if chance < 0.75:
        part = rng.choice((first, second))
        if len(part) > 0.75 * len(whole):
            raise NothingDrawn
        return whole, part
    return first, second


def _edited_pair(draw: Draw, same: int) -> tuple[str, str]:
    """A sentence and an edit of it, or the sentence of its text most like it."""
    rng = draw.rng
    _, some = draw.sentences(2, *(_INFORMATIVE if draw.coin() else ()), shortest=30, longest=240)
    place = rng.randrange(len(some))
    text = some[place]
    if same:
        edited = kept(text, rng)
        return text, kept(text, rng, 1.8) if edited == text else edited
    if draw.coin():
        other = changed(text, rng, names_in(some))
        return text, kept(other, rng) if rng.random() < 0.7 else other
    own = words_of(text) - FUNCTION_WORDS
    others = [other for n, other in enumerate(some) if n != place]
    return text, max(others, key=lambda other: len(own & words_of(other)))


def entailment(draw: Draw) -> Pair:
    """Does a statement follow from a text, clash with it, or neither?"""
    rng = draw.rng
    only = () if rng.random() < 0.4 else (*_INFORMATIVE, "gsm8k_word_problems")
    name, some = draw.sentences(3, *only, longest=240)
    count = rng.choice((1, 1, 1, 2, 2, 3))
    begin = rng.randrange(max(1, len(some) - count))
    premise = some[begin : begin + count]
    claim = rng.choice(premise)
    if draw.labels.splits and rng.random() < 0.25:
        whole, *parts = map(unspaced, rng.choice(draw.labels.splits))
        premise, claim = [whole], rng.choice(parts)
    elif rng.random() < 0.55:
        claim = _clause_of(claim, draw)
    answer = rng.choice((0, 1, 2))  # entailment, neutral, contradiction
    if answer == 0:
        claim = kept(claim, rng, 0.8)
    elif answer == 2:
        claim = changed(claim, rng, names_in(some))
        claim = kept(claim, rng, 0.6) if rng.random() < 0.6 else claim
    else:
        rest = [text for text in some if text not in premise]
        if len(premise) == 1 and len(premise[0]) > len(claim) + 25 and rng.random() < 0.25:
            # The fuller statement does not follow from the shorter.
            premise, claim = [claim], premise[0]
        elif rest and rng.random() < 0.8:
            claim = rng.choice(rest)
        else:
            claim = rng.choice(draw.sentences(1, name, longest=160)[1])
        claim = kept(claim, rng, 0.5)
    return _asked(draw, " ".join(premise), claim, answer)


def _clause_of(text: str, draw: Draw) -> str:
    """A part of a sentence that can stand alone, or the sentence."""
    clauses = [part for part in _CLAUSES.split(text.rstrip(".")) if len(part.split()) >= 4]
    alone = [clause for clause in clauses if _VERB.search(clause)]
    if not alone or (len(alone) == 1 and len(alone[0]) >= len(text) - 3):
        return text
    clause = alone[0] if draw.rng.random() < 0.7 else draw.rng.choice(alone)
    return f"{upper_first(clause)}."


def _asked(draw: Draw, premise: str, claim: str, answer: int) -> Pair:
    """In three ways or two, under one of several namings."""
    rng = draw.rng
    style = style_of(rng) if draw.coin() else as_it_is
    names = rng.choice(
        (
            ("premise", "hypothesis"),
            ("sentence1", "sentence2"),
            ("text", "claim"),
            ("passage", "statement"),
        )
    )
    body = [(names[0], style(premise)), (names[1], style(claim))]
    if rng.random() < 0.2:
        body = [("hypothesis", style(claim)), ("premise", style(premise))]
    if rng.random() < 0.45:
        prefixes = (
            "relation:",
            "inference:",
            "nli",
            "does it follow, stay open or clash?",
            "entailment, neutral or contradiction?",
        )
        three_ways = (
            *[("entailment", "neutral", "contradiction")] * 3,
            ("yes", "maybe", "no"),
            ("true", "unknown", "false"),
        )
        return draw.labelled(prefixes, body, rng.choice(three_ways), answer)
    prefixes = (
        "does the first imply the second?",
        "entailed?",
        "is the claim supported?",
        "inference:",
        "follows?",
    )
    two_ways = (
        *[("not_entailment", "entailment")] * 3,
        ("no", "yes"),
        ("False", "True"),
        ("wrong", "right"),
    )
    return draw.labelled(prefixes, body, rng.choice(two_ways), int(answer == 0))


def yes_or_no(draw: Draw) -> Pair:
    """A question made of a sentence of the passage, or of a changed one."""
    rng = draw.rng
    only = () if rng.random() < 0.3 else (*_INFORMATIVE, "medquad_health_qa")
    for _ in range(60):
        _, some = draw.sentences(2, *only, shortest=25, longest=240)
        place = rng.randrange(len(some))
        statement = some[place].rstrip(". ")
        pronoun = statement.split(" ")[0].lower() in _PRONOUNS
        if _verb_of(statement) is not None and (not pronoun or rng.random() < 0.2):
            break
    else:
        raise NothingDrawn
    answer = draw.coin()
    if not answer:
        statement = changed(statement, rng, names_in(some))
    verb = _verb_of(statement)
    if verb is None or (not answer and re.search(r" (not|never) ", statement)):
        raise NothingDrawn  # a negation would give the answer away
    words = statement.split(" ")
    subject, rest = " ".join(words[:verb]), " ".join(words[verb + 1 :])
    question = f"{words[verb]} {lower_first(subject)} {kept(rest, rng, 0.6)}"
    question = question.lower() if rng.random() < 0.6 else upper_first(question)
    question += "?" * draw.coin()
    begin = max(0, place - rng.choice((0, 1, 2)))
    passage = " ".join(some[begin : place + rng.choice((1, 2, 3, 4))])[:900]
    body = (("passage", passage), ("question", question))
    if rng.random() < 0.4:
        body = (("question", question), (rng.choice(("passage", "text", "context")), passage))
    prefixes = (
        "yes or no?",
        "true or false?",
        "answer:",
        "check:",
        "according to the passage,",
    )
    labels = (
        *[("False", "True")] * 2,
        *[("no", "yes")] * 2,
        ("No", "Yes"),
        ("false", "true"),
    )
    return draw.labelled(prefixes, body, rng.choice(labels), answer)


def _verb_of(statement: str) -> int | None:
    """Where the verb stands that a question would begin with; None where that is not plain."""
    words = statement.split(" ")
    places = [n for n in range(1, min(9, len(words) - 2)) if words[n] in _VERBS_FIRST]
    plain = bool(places) and len(words) <= 32 and "," not in " ".join(words[: places[0]])
    return places[0] if plain else None


def similarity(draw: Draw) -> Pair:
    """How alike are two sentences, from 0.0 to 5.0?"""
    rng = draw.rng
    _, some = draw.sentences(2, shortest=25, longest=160)
    place = rng.randrange(len(some))
    text, level = some[place], rng.randrange(6)
    if level == 0:
        other = rng.choice(draw.sentences(1, shortest=25, longest=160)[1])
    elif level == 1:
        other = rng.choice([other for n, other in enumerate(some) if n != place])
    elif level in (2, 3):
        words = text.split()
        count = max(2, int(len(words) * (0.5 if level == 2 else 0.75)))
        begin = rng.randrange(len(words) - count + 1)
        other = " ".join(words[begin : begin + count])
    elif level == 4:
        other = changed(text, rng, names_in(some))
    else:
        other = kept(text, rng)
    style = style_of(rng)
    prefix = rng.choice(("similarity:", "how alike?", "score"))
    return f"{prefix} sentence1: {style(text)} sentence2: {style(other)}", f"{level}.0"
