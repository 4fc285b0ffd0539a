"""Short English texts with labels, made here: what ``spotfw demo --model english`` tunes on.

Every text is put together from phrases by rule, and its label is the side from which its phrases
were taken. They are plain and alike, and easier than texts that people write; nothing of them was
in the model's training. Three of the four tasks are learned from scratch in the demo's few steps;
only the help desk's leaves room for a start to help.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

#: Rows of each split: few, for a target of the paper's kind has little data.
SPLITS: Mapping[str, int] = {"train": 48, "validation": 96, "test": 96}

#: A label and the text that has it.
Row = tuple[str, str]

_THINGS = (
    "kettle", "lamp", "backpack", "radio", "chair", "blender", "umbrella", "keyboard",
    "jacket", "clock", "camera", "tent", "heater", "suitcase", "printer", "bicycle pump",
)  # fmt: skip
_GOOD = (
    "works exactly as it should", "was worth every penny", "still looks like new after a year",
    "is the best i have owned", "does its job quietly", "made my mornings easier",
    "feels solid and well made", "arrived early and works without fault",
    "is a pleasure to use", "held up through a whole winter",
)  # fmt: skip
_BAD = (
    "stopped working after a week", "is a waste of money", "fell apart in my hands",
    "makes a terrible noise", "never did what the box said", "arrived with a crack in it",
    "is flimsy and badly made", "had to be sent back twice",
    "smells of cheap plastic", "gave up on the second day",
)  # fmt: skip
_LEADS = ("", "i bought this {t} in spring . ", "my sister has the same {t} . ",
          "i use this {t} at home . ", "i needed a new {t} . ")  # fmt: skip
_ENDS = {
    "positive": ("", " i would buy it again .", " i am very happy with it .", " well done ."),
    "negative": ("", " i want my money back .", " do not buy it .", " what a shame ."),
}

_TOPICS: Mapping[str, tuple[str, ...]] = {
    "delivery": (
        "my parcel has not arrived", "the courier left the box at the wrong door",
        "when will my order be shipped", "the tracking page shows nothing",
        "can you send it to another address", "only half of the order came",
    ),
    "payment": (
        "i was charged twice", "my card was refused", "please send me an invoice",
        "the refund is not on my account", "the discount was not taken off",
        "can i pay in two parts",
    ),
    "account": (
        "i cannot log in", "i forgot my password", "please change my email address",
        "how do i delete my profile", "the code by text message never comes",
        "my user name is misspelt",
    ),
}  # fmt: skip
_GREETINGS = ("", "hello , ", "good morning , ", "dear team , ", "hi there , ")
_CLOSINGS = (
    "",
    " , can you help ?",
    " , thank you .",
    " since monday .",
    " again .",
    " , please .",
)

_PLACES = ("the old bridge", "the town library", "the harbour", "the small museum",
           "the railway station", "the market hall", "the north tower", "the island")  # fmt: skip
_FACTS = (
    "{p} was built in {y} .", "{p} closes at {h} in the evening .",
    "{p} lies two miles from the river .", "{p} was repaired in {y} after a fire .",
    "in {y} , {p} was sold to the city .", "{p} has {h} rooms and a cellar .",
    "the road to {p} was opened in {y} .",
)  # fmt: skip
_OPINIONS = (
    "{p} is the loveliest place for miles .", "i find {p} rather dull .",
    "{p} deserves far more visitors than it gets .", "nobody could dislike {p} .",
    "{p} has lost all its charm , sadly .", "you simply have to see {p} at dusk .",
    "there is something sad about {p} .",
)  # fmt: skip

_PEOPLE = ("the baker", "the teacher", "my neighbour", "the driver", "a nurse",
           "the young gardener", "our guide", "the shopkeeper")  # fmt: skip
#: What somebody did, and what then cannot be.
_DEEDS = (
    ("sold the old van", "kept the old van"),
    ("painted the kitchen green", "painted the kitchen blue"),
    ("arrived before noon", "arrived late at night"), ("opened a small shop", "closed the shop"),
    ("won the race", "lost the race"), ("travelled by train", "travelled by plane"),
    ("called the police", "called nobody"), ("lost the keys", "found the keys"),
    ("repaired the roof alone", "never touched the roof"), ("woke up early", "slept until noon"),
    ("liked the concert", "hated the concert"), ("paid the whole bill", "paid nothing"),
)  # fmt: skip
_WHEN = ("last week", "on sunday", "in spring", "after the storm", "during the holidays",
         "this morning")  # fmt: skip


def rows(task: str, split: str) -> Iterator[Row]:
    """The rows of a task's split, always the same; no text is in two splits.

    Raises:
      KeyError: there is no such task or split.
    """
    make, seen = TASKS[task], set[str]()
    rng = random.Random(task)
    for name, count in SPLITS.items():
        made = 0
        while made < count:
            label, text = make(rng, made)
            if text in seen:
                continue
            seen.add(text)
            made += 1
            if name == split:
                yield label, text
        if name == split:
            return
    raise KeyError(split)


def _review(rng: random.Random, number: int) -> Row:
    label = ("negative", "positive")[number % 2]
    thing = rng.choice(_THINGS)
    core = rng.choice(_GOOD if label == "positive" else _BAD)
    text = f"{rng.choice(_LEADS)}the {{t}} {core} .{rng.choice(_ENDS[label])}"
    return label, text.format(t=thing)


def _request(rng: random.Random, number: int) -> Row:
    label = tuple(_TOPICS)[number % len(_TOPICS)]
    core = rng.choice(_TOPICS[label])
    return label, f"{rng.choice(_GREETINGS)}{core}{rng.choice(_CLOSINGS)}"


def _statement(rng: random.Random, number: int) -> Row:
    label = ("objective", "subjective")[number % 2]
    core = rng.choice(_FACTS if label == "objective" else _OPINIONS)
    filled = core.format(
        p=rng.choice(_PLACES), y=rng.randrange(1650, 2020), h=rng.choice(("six", "seven", "eight"))
    )
    start = rng.choice(("", "", "the guide says : ", "in a letter : ", "a note : "))
    return label, start + filled


def _claim(rng: random.Random, number: int) -> Row:
    label = ("entailment", "neutral", "contradiction")[number % 3]
    who, when = rng.choice(_PEOPLE), rng.choice(_WHEN)
    (told, denied), (besides, _), (untold, _) = rng.sample(_DEEDS, 3)
    first, second = rng.sample((told, besides), 2)
    premises = (
        f"{when} , {who} {first} and {second} .",
        f"{who} {first} and {second} {when} .",
    )
    claim = {"entailment": told, "neutral": untold, "contradiction": denied}[label]
    return label, f"{rng.choice(premises)} hypothesis: {who} {claim} ."


#: What makes a row of a task: given chance and the row's number, a label and a text.
TASKS: Mapping[str, Callable[[random.Random, int], Row]] = {
    "shop_reviews": _review,
    "fact_or_opinion": _statement,
    "help_desk": _request,
    "claims": _claim,
}
