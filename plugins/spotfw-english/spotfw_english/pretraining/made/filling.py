"""What was taken out: a word, a name; and toys."""

from __future__ import annotations

import re
from collections import Counter

from spotfw_english.pretraining.made.draw import Draw, NothingDrawn, Pair
from spotfw_english.pretraining.made.grammar import FUNCTION_WORDS
from spotfw_english.pretraining.wording import WORD

_GAP = "___"
_NAME = re.compile(r"(?<![.!?\"] )\b[A-Z][a-z]{2,}\b")


def cloze(draw: Draw) -> Pair:
    """Which word fits, of words that stand near?"""
    rng = draw.rng
    _, some = draw.sentences(2, shortest=30, longest=220)
    place = rng.randrange(len(some))
    words = some[place].split(" ")
    gaps = [n for n, word in enumerate(words) if _is_full(word)]
    gap = gaps[draw.place(gaps)]
    right = words[gap]
    capital = right[:1].isupper()
    near = {w for n, s in enumerate(some) if n != place for w in s.split(" ") if _is_full(w)}
    others = sorted(w for w in near if w != right and w[:1].isupper() == capital)
    if not others:
        raise NothingDrawn
    wrong = rng.sample(others, min(len(others), rng.choice((1, 2, 3))))
    before = f"{some[place - 1]} " if place and draw.coin() else ""

    def filled(word: str) -> str:
        return before + " ".join([*words[:gap], word, *words[gap + 1 :]])

    chance = rng.random()
    if chance < 0.6:
        question = rng.choice(("which word fits?", "fill in the blank:", "choose the word:"))
        return draw.among(question, filled(_GAP), right, wrong)
    if chance < 0.8:
        answer = draw.coin()
        word = right if answer else rng.choice(wrong)
        prefixes = ("does the word fit? word:", "right word?")
        labels = rng.choice((("no", "yes"), ("False", "True"), ("wrong", "right")))
        return draw.labelled(prefixes, f"{word} sentence: {filled(word)}", labels, answer, bare=0)
    options = draw.shuffled([*wrong, right])
    named = " ".join(f"choice{n}: {word}" for n, word in enumerate(options, start=1))
    return f"choose: {filled(_GAP)} {named}", f"choice{1 + options.index(right)}"


def _is_full(word: str) -> bool:
    return len(word) > 3 and word.isalpha() and word.lower() not in FUNCTION_WORDS


def who(draw: Draw) -> Pair:
    """Of whom is the text, where a name that comes back was replaced?"""
    rng = draw.rng
    told = (
        "classic_books",
        "eltec_novels",
        "gutenberg_selection",
        "gsm8k_word_problems",
        "pratham_storybooks",
        "wikipedia_vital_articles",
    )
    for _ in range(40):
        text = " ".join(draw.sentences(2, *told, longest=240)[1][:3])[:600]
        names = (match.group(0) for match in _NAME.finditer(text))
        counts = Counter(name for name in names if name.lower() not in FUNCTION_WORDS)
        again = [name for name, count in counts.items() if count >= 2]
        if again and len(counts) >= 2:
            break
    else:
        raise NothingDrawn
    name = rng.choice(again)
    other = rng.choice([known for known in counts if known != name])
    place = text.rfind(name)
    stands = rng.choice(("*he*", "*she*", "*they*", _GAP, "*it*"))
    hidden = text[:place] + stands + text[place + len(name) :]
    if draw.coin():
        questions = ("who is meant?", "whom does the marked word mean?", "coreference:")
        return f"{rng.choice(questions)} {hidden}", name
    answer = draw.coin()
    prefixes = ("does the marked word mean the name?", "same one?")
    labels = rng.choice((("False", "True"), ("no", "yes")))
    body = f"{name if answer else other} text: {hidden}"
    return draw.labelled(prefixes, body, labels, answer, bare=0)


def toy(draw: Draw) -> Pair:
    """Copying, sorting, counting, adding."""
    rng = draw.rng
    words = WORD.findall(rng.choice(draw.sentences(1, longest=120)[1]))[:8]
    if len(words) < 3:
        raise NothingDrawn
    text = " ".join(words)
    chance = rng.random()
    if chance < 0.2:
        return f"copy: {text}", text
    if chance < 0.35:
        return f"sort: {text}", " ".join(sorted(words, key=str.lower))
    if chance < 0.5:
        return f"reverse: {' '.join(words[:6])}", " ".join(words[:6][::-1])
    if chance < 0.65:
        return f"count the words: {text}", str(len(words))
    if chance < 0.8:
        place = rng.randrange(len(words) - 1)
        return f"which word comes after {words[place]}? {text}", words[place + 1]
    first, second = rng.randint(0, 99), rng.randint(0, 99)
    if chance < 0.9:
        return f"{first} + {second} =", str(first + second)
    return f"which is larger? {first} or {second}", str(max(first, second))
