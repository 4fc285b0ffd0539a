"""Sentiment: of pros and cons, of film reviews, of words of opinion; subjective or objective."""

from __future__ import annotations

import re

from spotfw_english.pretraining.made.draw import Draw, NothingDrawn, Pair
from spotfw_english.pretraining.made.opinion_words import BAD, GOOD, TURNING
from spotfw_english.pretraining.wording import (
    MARKS,
    as_it_is,
    lower_first,
    sentences,
    spaced,
    style_of,
    upper_first,
    utterances,
)

_LABELS = (
    *[("negative", "positive")] * 6,
    ("bad", "good"),
    ("no", "yes"),
    ("terrible", "great"),
    ("dislike", "like"),
    ("False", "True"),
    ("0", "1"),
    ("con", "pro"),
)
_PREFIXES = (
    "sentiment:",
    "sentence:",
    "review:",
    "classify sentiment sentence:",
    "tone of this text:",
    "opinion sentence:",
    "is this praise?",
    "feeling:",
    "polarity text:",
    "film text:",
)
_HIDDEN = "___"
_OPINION = re.compile(r"\b(I|think|love|like|great|good|bad|best|hate|feel|really)\b")
_PERSONAL = re.compile(r"\b(I|you|my|me|we|our)\b")


def pro_or_con(draw: Draw) -> Pair:
    """Sentiment of a product's pro or con, or of two of one side."""
    rng = draw.rng
    text, side = rng.choice(draw.labels.pros_cons)
    if rng.random() < 0.3:
        for _ in range(20):
            more, other = rng.choice(draw.labels.pros_cons)
            if other == side:
                text = text.rstrip(". ") + rng.choice((", ", ". ", " and ", "; ")) + more
                break
    elif rng.random() < 0.25:
        leads = ("it has ", "I found: ", "the thing I noticed is ", "this one: ", "in short, ")
        text = rng.choice(leads) + lower_first(text)
    return draw.labelled(_PREFIXES, style_of(rng)(text), rng.choice(_LABELS), side)


def film_sentiment(draw: Draw) -> Pair:
    """The side of a film review, from a few of its sentences.

    A single sentence is mostly kept only where its words speak for the review's side, for many
    sentences of a review say nothing of it.
    """
    rng = draw.rng
    for _ in range(30):
        side, review = rng.choice(draw.labels.film_reviews)
        count = rng.choice((1, 1, 1, 1, 2, 2, 3, 5))
        # Reviews end with what they think.
        share = 1 - rng.random() ** 1.7 if rng.random() < 0.6 else rng.random()
        begin = min(int(len(review) * share), max(0, len(review) - count))
        text = " ".join(review[begin : begin + count])
        if not text or len(text) > 900:
            continue
        sign = 1 if side else -1
        unclear = count <= 2 and sign * draw.odds.score(text) < 1.0
        if unclear and rng.random() < (0.92 if count == 1 else 0.7):
            continue
        if count == 1 and rng.random() < 0.35:
            text = _clearest_phrase(draw, text, sign)
        if rng.random() < 0.2:
            text = upper_first(re.sub(r" ([.,!?;:)])", r"\1", text).replace("( ", "("))
        return draw.labelled(_PREFIXES, text, rng.choice(_LABELS), side)
    raise NothingDrawn


def _clearest_phrase(draw: Draw, sentence: str, sign: int) -> str:
    parts = (part.strip() for part in re.split(r" [,;:-] | but | and ", sentence))
    phrases = [part for part in parts if len(part) > 15]
    best = max(phrases, key=lambda phrase: sign * draw.odds.score(phrase), default=sentence)
    return best if len(phrases) > 1 and sign * draw.odds.score(best) > 1.0 else sentence


def opinion_word(draw: Draw) -> Pair:
    """The side of the one strong word of opinion in a sentence, shown or hidden."""
    rng = draw.rng
    spoken = ("dialogue_self_dialogue", "dialogue_topical_chat", "ewt_web_genres", "movie_reviews")
    for _ in range(300):
        name, line = draw.line(*(spoken if rng.random() < 0.5 else ()))
        if name.startswith("dialogue"):
            texts = utterances(line)
        elif name == "movie_reviews":
            texts = re.split(r"(?<=[.!?]) ", line)
        else:
            texts = sentences(line)
        for text in draw.shuffled(texts)[:6]:
            made = _by_opinion_word(draw, text) if 15 < len(text) < 240 else None
            if made is not None:
                return made
    raise NothingDrawn


def _by_opinion_word(draw: Draw, text: str) -> Pair | None:
    rng = draw.rng
    words = text.split(" ")
    plain = [word.strip(MARKS).lower() for word in words]
    hits = [place for place, word in enumerate(plain) if word in GOOD or word in BAD]
    if len({plain[place] in GOOD for place in hits}) != 1:
        return None
    side = int(plain[hits[0]] in GOOD)
    if any(word in TURNING or word.endswith("n't") for word in plain):
        near = plain[max(0, hits[0] - 3) : hits[0]]
        turned = any(word in ("not", "never") or word.endswith("n't") for word in near)
        if rng.random() < 0.8 or len(hits) > 1 or not turned:
            return None
        return draw.labelled(_PREFIXES, style_of(rng)(text), rng.choice(_LABELS), 1 - side)
    style = style_of(rng)
    if rng.random() < 0.4:
        return draw.labelled(_PREFIXES, style(text), rng.choice(_LABELS), side)
    place = rng.choice(hits)
    word = plain[place]
    words[place] = words[place].lower().replace(word, _HIDDEN)
    hidden = style(" ".join(words)).replace("_ _ _", _HIDDEN)
    if rng.random() < 0.5:
        question = rng.choice(("which word fits?", "fill in the blank:", "choose:"))
        return draw.among(question, hidden, word, [rng.choice(sorted(BAD if side else GOOD))])
    prefixes = ("sentiment of the missing word:", "hidden word, sentiment:", "sentiment:")
    return draw.labelled(prefixes, hidden, rng.choice(_LABELS), side)


def subjective(draw: Draw) -> Pair:
    """Does a sentence judge (reviews, talk), or tell (encyclopedias, stories)?"""
    rng = draw.rng
    side = draw.coin()
    text = _judging(draw) if side else _telling(draw)
    spaced_low = [lambda text: spaced(text).lower()] * 3
    style = rng.choice((*spaced_low, str.lower, as_it_is))
    prefixes = (
        "subjective or objective?",
        "opinion or fact:",
        "text:",
        "kind of statement:",
        "does this judge or tell? text:",
        "subjectivity text:",
    )
    labels = (
        *[("objective", "subjective")] * 4,
        ("fact", "opinion"),
        ("plot", "review"),
        ("no", "yes"),
        ("story", "judgement"),
    )
    return draw.labelled(prefixes, style(text), rng.choice(labels), side)


def _judging(draw: Draw) -> str:
    rng = draw.rng
    chance = rng.random()
    if chance < 0.65:
        for _ in range(20):
            _, review = rng.choice(draw.labels.film_reviews)
            text = rng.choice(review) if review else ""
            if 30 < len(text) < 260 and abs(draw.odds.score(text)) > 1.5:
                return text
    if chance < 0.85 and draw.labels.dialogues:
        said = [text for text in utterances(rng.choice(draw.labels.dialogues)[1]) if len(text) > 25]
        with_opinion = [text for text in said if _OPINION.search(text)]
        if with_opinion:
            return rng.choice(with_opinion)
    return rng.choice(draw.labels.pros_cons)[0]


def _telling(draw: Draw) -> str:
    rng = draw.rng
    if draw.labels.splits and rng.random() < 0.35:
        return rng.choice(rng.choice(draw.labels.splits))
    articles = ("wikipedia_leads", "wikipedia_vital_articles", "wikipedia_leads")
    stories = (
        "classic_books",
        "eltec_novels",
        "gutenberg_selection",
        "pratham_storybooks",
        "perseus_latin_translations",
    )
    for _ in range(20):
        _, some = draw.sentences(1, *(articles if rng.random() < 0.4 else stories), shortest=30)
        text = rng.choice(some)
        if '"' not in text and not _PERSONAL.search(text):  # told, and nobody speaking
            return text
    raise NothingDrawn
