"""What belongs together: the next sentence, which comes first, which reply."""

from __future__ import annotations

from spotfw_english.pretraining.made.draw import Draw, NothingDrawn, Pair
from spotfw_english.pretraining.wording import style_of, utterances

_CHATS = ("dialogue_self_dialogue", "dialogue_topical_chat", "dialogue_sgd")


def follows(draw: Draw) -> Pair:
    """Does the second sentence follow the first?"""
    rng = draw.rng
    name, some = draw.sentences(3, longest=220)
    place = rng.randrange(len(some) - 1)
    first, second, answer = some[place], some[place + 1], draw.coin()
    if not answer:
        chance = rng.random()
        if chance < 0.25:
            first, second = second, first
        elif chance < 0.55 and len(some) > 4:
            second = rng.choice([s for n, s in enumerate(some) if n not in (place, place + 1)])
        else:
            second = rng.choice(draw.sentences(1, name, longest=220)[1])
        if second == some[place + 1] and first == some[place]:
            raise NothingDrawn
    style = style_of(rng)
    names = rng.choice(
        (("first", "second"), ("sentence1", "sentence2"), ("text", "next"), ("A", "B"))
    )
    prefixes = (
        "does the second follow the first?",
        "next sentence?",
        "do these belong together?",
        "continuation:",
        "coherent?",
    )
    labels = (
        *[("no", "yes")] * 3,
        ("False", "True"),
        ("random", "next"),
        ("not_related", "related"),
        ("unrelated", "follows"),
    )
    body = ((names[0], style(first)), (names[1], style(second)))
    return draw.labelled(prefixes, body, rng.choice(labels), answer)


def order(draw: Draw) -> Pair:
    """Which of two neighbours comes first?"""
    rng = draw.rng
    _, some = draw.sentences(3, longest=160)
    place = rng.randrange(len(some) - 2)
    first, second, turned = some[place], some[place + 1], draw.coin()
    if turned:
        first, second = second, first
    question = rng.choice(("which comes first?", "order:", "which sentence is earlier?"))
    return f"{question} A: {first} B: {second}", "AB"[turned]


def reply(draw: Draw) -> Pair:
    """Which of two utterances answers the first?"""
    rng = draw.rng
    name, said = draw.dialogue(5, *_CHATS)
    place = rng.randrange(len(said) - 3)
    if rng.random() < 0.4:
        wrong = said[place + 3]
    else:
        others = utterances(draw.line(name)[1])
        wrong = others[draw.place(others)]
    right, turned = said[place + 1], draw.coin()
    choices = (wrong, right) if turned else (right, wrong)
    question = rng.choice(("which reply?", "choose the answer:", "what comes next?"))
    named = " ".join(f"choice{n}: {text[:200]}" for n, text in enumerate(choices, start=1))
    return f"{question} {said[place][:250]} {named}", f"choice{1 + turned}"
