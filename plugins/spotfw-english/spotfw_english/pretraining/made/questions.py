"""Questions: made of statements by rule, of trivia, of talk; and what answers them."""

from __future__ import annotations

import re
from collections.abc import Callable

from spotfw_english.pretraining.made.draw import Draw, NothingDrawn, Pair
from spotfw_english.pretraining.made.grammar import FUNCTION_WORDS
from spotfw_english.pretraining.made.kinds import MEDICAL_SOURCE, medical_entry
from spotfw_english.pretraining.wording import (
    as_it_is,
    lower_first,
    sentences,
    style_of,
    word_set,
    words_of,
)

_SUBJECT = re.compile(
    r"^((?:The |A |An )?(?:[A-Z][\w.'-]+ ?){1,4})(is|was|were|are|has|had|will|would|can|could|won|"
    r"wrote|became|made|gave|took|began|led|died|played|used|found|said|went|came|lived|built|moved|"
    r"published|founded|invented|discovered|defeated|received|joined|married|held|produced|includes|"
    r"contains|causes|started|helps|means|refers)\b (.{12,120})$"
)
_NO_SUBJECT = word_set(
    """
    he she it they this there i we you these that those in the but and as what who when one
    """
)
_YEAR = re.compile(r"\b[Ii]n (1[0-9]{3}|20[0-2][0-9])\b,? ?")
_COUNT = re.compile(
    r"\b(\d[\d,.]*\d|\d|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred) "
    r"([a-z]+s)\b"
)
_NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][\w'-]+)(?: [A-Z][\w'-]+){0,3}")
_ASKED_BY = {"in": "where", "at": "where", "by": "whom", "with": "whom", "of": "what"}
_CHATS = ("dialogue_self_dialogue", "dialogue_topical_chat", "dialogue_sgd")
_SUMS = "gsm8k_word_problems"
_TELLING = (
    *["wikipedia_vital_articles"] * 2,
    "wikipedia_leads",
    "openstax_ccby_at_head",
    "masc_written_spoken",
    "perseus_latin_translations",
)


def question_of(statement: str, draw: Draw) -> Pair:
    """A question that a statement answers, and the answer.

    Raises:
      NothingDrawn: no rule fits.
    """
    text = statement.rstrip(". ")
    for ask in draw.rng.sample(_RULES, len(_RULES)):
        made = ask(text, draw)
        if made is not None:
            return made
    raise NothingDrawn


def _of_subject(text: str, draw: Draw) -> Pair | None:
    match = _SUBJECT.match(text)
    if match is None or match.group(1).strip().lower() in _NO_SUBJECT:
        return None
    subject, verb, rest = match.groups()
    person = not subject.startswith(("The ", "A ", "An ")) and draw.rng.random() < 0.6
    return f"{'Who' if person else 'What'} {verb} {rest}?", subject.strip()


def _of_year(text: str, draw: Draw) -> Pair | None:
    match = _YEAR.search(text)
    rest = "" if match is None else (text[: match.start()] + text[match.end() :]).strip()
    if match is None or len(rest) <= 20:
        return None
    told = lower_first(rest)
    wordings = (
        f"In what year: {told}?",
        f"When was it that {told}?",
        f"What year is it when {told}?",
    )
    return draw.rng.choice(wordings), match.group(1)


def _of_count(text: str, draw: Draw) -> Pair | None:
    match = _COUNT.search(text)
    if match is None or len(text) >= 200:
        return None
    count, things = match.groups()
    before = text[: match.start()].strip()
    rest = text[match.end() :].strip() or before
    wordings = (f"How many {things} {lower_first(rest)}?", f"{before} how many {things}?")
    return draw.rng.choice(wordings)[:180], count


def _of_name(text: str, draw: Draw) -> Pair | None:
    names = list(_NAME.finditer(text))
    if not names or len(text) >= 170:
        return None
    name = draw.rng.choice(names)
    before, after = text[: name.start()], text[name.end() :]
    asked = _ASKED_BY.get((before.split() or [""])[-1].lower(), "what")
    wordings = (
        f"{before}{asked}{after}?",
        f"What fits: {before}___{after}?",
        f"Which name completes this: {before}...?",
    )
    return draw.rng.choice(wordings), name.group(0)


_RULES: tuple[Callable[[str, Draw], Pair | None], ...] = (
    _of_subject,
    _of_year,
    _of_count,
    _of_name,
)


def _statement(draw: Draw, *only: str) -> tuple[list[str], int, Pair]:
    """Sentences, which of them is asked about, and the question with its answer."""
    for _ in range(30):
        _, some = draw.sentences(2, *only, shortest=30, longest=280)
        place = draw.rng.randrange(len(some))
        try:
            return some, place, question_of(some[place], draw)
        except NothingDrawn:
            continue
    raise NothingDrawn


def answers_question(draw: Draw) -> Pair:
    """Does a sentence answer the question?"""
    rng = draw.rng
    ways: list[tuple[float, Callable[[Draw, int], tuple[str, str]]]] = [(0.5, _asked_by_rule)]
    if draw.has(MEDICAL_SOURCE):
        ways.append((0.2, _asked_of_health))
    if draw.labels.trivia:
        ways.append((0.12, _asked_in_trivia))
    if draw.has(*_CHATS):
        ways.append((0.13, _asked_in_talk))
    if draw.has(_SUMS):
        ways.append((0.05, _asked_in_sums))
    (way,) = rng.choices([way for _, way in ways], [share for share, _ in ways])
    right = draw.coin()
    question, text = way(draw, right)
    if rng.random() < 0.15:
        question = question.lower().rstrip("?")
    style = style_of(rng) if rng.random() < 0.4 else as_it_is
    names = rng.choice(
        (
            *[("question", "sentence")] * 3,
            ("question", "answer"),
            ("question", "text"),
            ("Q", "A"),
            ("question", "passage"),
        )
    )
    prefixes = (
        "does the sentence answer the question?",
        "answered?",
        "answer match:",
        "is this the answer?",
        "question answering check:",
        "relevant?",
    )
    labels = (
        *[("not_entailment", "entailment")] * 3,
        *[("no", "yes")] * 2,
        ("False", "True"),
        ("no answer", "answer"),
        ("0", "1"),
        ("wrong", "right"),
    )
    body = ((names[0], style(question)), (names[1], style(text)))
    return draw.labelled(prefixes, body, rng.choice(labels), right)


def _asked_by_rule(draw: Draw, right: int) -> tuple[str, str]:
    some, place, (question, _) = _statement(
        draw, *_TELLING, MEDICAL_SOURCE, "un_general_debate", "presidential_speeches"
    )
    if draw.coin():  # with fewer words in common
        first, *rest = question.split()
        question = " ".join([first, *(word for word in rest if draw.rng.random() < 0.8)])
    if right:
        return question, some[place]
    # Of the others of the same text mostly the one most alike.
    asked = words_of(question) - FUNCTION_WORDS
    others = [text for n, text in enumerate(some) if n != place]
    alike = max(others, key=lambda text: len(asked & words_of(text)))
    return question, alike if draw.rng.random() < 0.6 else draw.rng.choice(others)


def _asked_of_health(draw: Draw, right: int) -> tuple[str, str]:
    question, answer = medical_entry(draw)
    if not right:
        other, answer = medical_entry(draw)
        if other == question:
            raise NothingDrawn
    parts = sentences(answer) or [answer]
    return question, " ".join(parts[: draw.rng.choice((1, 1, 2))])[:400]


def _asked_in_trivia(draw: Draw, right: int) -> tuple[str, str]:
    _, question, answer, choices = draw.rng.choice(draw.labels.trivia)
    if right:
        return question, answer
    others = [choice for choice in choices if choice != answer]
    near = others and draw.rng.random() < 0.3
    wrong = draw.rng.choice(others) if near else draw.rng.choice(draw.labels.trivia)[2]
    if wrong == answer:
        raise NothingDrawn
    return question, wrong


def _asked_in_talk(draw: Draw, right: int) -> tuple[str, str]:
    _, said = draw.dialogue(4, *_CHATS)
    asked = [n for n in range(len(said) - 1) if said[n].endswith("?") and len(said[n]) > 20]
    place = asked[draw.place(asked)]
    far = [n for n in range(len(said)) if abs(n - place) > 1]
    return said[place][-200:], said[place + 1 if right else far[draw.place(far)]][:250]


def _asked_in_sums(draw: Draw, right: int) -> tuple[str, str]:
    """A sum in words: its story and its last sentence, the question."""
    _, line = draw.line(_SUMS)
    parts = sentences(line)
    if len(parts) < 2 or not line.rstrip().endswith("?"):
        raise NothingDrawn
    story = " ".join(parts[:-1]) if right else draw.line(_SUMS)[1]
    if not right and story == line:
        raise NothingDrawn
    return parts[-1], story[:300]


def extract(draw: Draw) -> Pair:
    """The answer to a question, read from a passage."""
    rng = draw.rng
    some, place, (question, answer) = _statement(
        draw, *_TELLING, "classic_books", "cia_world_factbook"
    )
    begin = max(0, place - rng.choice((0, 1, 2)))
    passage = " ".join(some[begin : place + rng.choice((1, 2, 3))])[:800]
    if answer not in passage:
        passage = some[place]
    if rng.random() < 0.3:
        question = question.lower()
    if rng.random() < 0.2:
        return f"{rng.choice(('context:', 'passage:'))} {passage} question: {question}", answer
    lead = rng.choice(("question:", "answer the question:", "find:"))
    return f"{lead} {question} {rng.choice(('context:', 'passage:', 'text:'))} {passage}", answer


def trivia_choice(draw: Draw) -> Pair:
    """Which of the choices answers a trivia question?"""
    _, question, answer, choices = draw.rng.choice(draw.labels.trivia)
    if len(choices) < 2 or answer not in choices:
        raise NothingDrawn
    prefix = draw.rng.choice(("trivia:", "question:", "choose the answer:"))
    return draw.among(prefix, question, answer, choices)
