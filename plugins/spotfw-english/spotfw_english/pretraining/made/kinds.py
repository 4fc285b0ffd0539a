"""Kinds of text: genre by its source, topic by its source or by words, type of a medical text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from spotfw_english.pretraining.made.draw import Draw, NothingDrawn, Pair
from spotfw_english.pretraining.wording import WORD, sentences, style_of, utterances

#: By source, what it may be called, in three wordings.
GENRES: Mapping[str, tuple[str, str, str]] = {
    "cia_world_factbook": ("geography", "fact book", "reference"),
    "classic_books": ("novel", "fiction", "story"),
    "eltec_novels": ("novel", "fiction", "story"),
    "gutenberg_selection": ("novel", "fiction", "story"),
    "dialogue_self_dialogue": ("conversation", "chat", "dialogue"),
    "dialogue_topical_chat": ("conversation", "chat", "dialogue"),
    "dialogue_sgd": ("assistant", "request", "dialogue"),
    "dialogue_taskmaster": ("assistant", "request", "dialogue"),
    "gsm8k_word_problems": ("math", "arithmetic", "numbers"),
    "medquad_health_qa": ("health", "medicine", "medical"),
    "movie_reviews": ("review", "film", "criticism"),
    "pros_cons_reviews": ("product", "goods", "review"),
    "open_guides_and_howto": ("guide", "how to", "manual"),
    "openstax_ccby_at_head": ("textbook", "science", "school"),
    "perseus_latin_translations": ("ancient history", "Latin", "antiquity"),
    "pratham_storybooks": ("children", "kids", "story"),
    "african_storybook": ("children", "kids", "story"),
    "presidential_speeches": ("speech", "politics", "president"),
    "un_general_debate": ("speech", "politics", "world"),
    "us_government_web_prose": ("government", "web", "office"),
    "wikipedia_leads": ("encyclopedia", "article", "reference"),
    "wikipedia_vital_articles": ("encyclopedia", "article", "reference"),
}

#: What categories of trivia and topics of dialogues are called.
_TOPICS = {
    **dict.fromkeys(("sports", "nfl_football", "baseball", "basketball", "icehockey"), "sports"),
    **dict.fromkeys(("music", "rap_hiphop", "rock", "pop", "beatles", "lady_gaga"), "music"),
    **dict.fromkeys(("movies", "disney", "star_wars", "thriller", "superhero"), "movies"),
    **dict.fromkeys(("comedy", "horror", "harry_potter", "action", "fast_furious"), "movies"),
    **dict.fromkeys(("celebrities", "people"), "people"),
    "television": "television",
    "history": "history",
    "science-technology": "science",
    "animals": "animals",
    "literature": "books",
    "geography": "geography",
    "religion-faith": "religion",
    "video-games": "games",
    "humanities": "humanities",
    "fashion": "fashion",
}
_TOPIC_PREFIXES = (
    "topic:",
    "subject:",
    "what is this about?",
    "category:",
    "classify topic text:",
    "section:",
)

#: By topic, words that speak for it.
_KEY_WORDS: Mapping[str, frozenset[str]] = {
    topic: frozenset(words.split())
    for topic, words in {
        "Sports": """team season league game games match player players coach football baseball
            basketball hockey soccer tennis championship scored tournament olympic quarterback club
            cup goal nfl nba win innings stadium athletes""",
        "Business": """company companies market markets bank banks shares stock prices profit sales
            economy economic trade investors inflation billion business industry customers firm
            financial tax budget price oil employees demand revenue""",
        "Sci/Tech": """software computer computers internet web technology scientists research
            researchers space nasa data digital users online phone device cells dna species energy
            planet website microsoft google apple network experiment physics laboratory""",
        "World": """president minister government war troops election elections military nations
            peace security united iraq soldiers parliament treaty foreign political crisis leaders
            killed bomb police border refugees army rebels""",
        "Health": """disease symptoms patients treatment doctor blood cancer heart medical syndrome
            infection therapy diagnosis health surgery drug medicine pain genetic""",
        "Arts": """film movie music album song band actor actress novel book painting artist theatre
            director singer character plot poem scene comedy""",
    }.items()
}
_PLAIN_TOPICS = {
    "Sports": "sport",
    "Business": "economy",
    "Sci/Tech": "science",
    "World": "politics",
    "Health": "health",
    "Arts": "culture",
}

#: By a word of the question, what a medical answer tells.
_MEDICAL = {
    "symptom": "symptoms",
    "treat": "treatment",
    "cause": "causes",
    "inherit": "inheritance",
    "prevent": "prevention",
    "diagnos": "diagnosis",
    "genetic": "genes",
    "outlook": "outlook",
    "risk": "risk",
    "how many people": "frequency",
    "What is (are)": "definition",
    "information": "definition",
}
_MEDICAL_WORD = re.compile("|".join(map(re.escape, _MEDICAL)))
_MEDICAL_LINE = re.compile(
    r"((?:What|How|Is|Are|Do|Does|Who|Can|Where|When|Which|Why)[^?]{8,140}\?) (.{40,})"
)
MEDICAL_SOURCE = "medquad_health_qa"


def genre(draw: Draw) -> Pair:
    """Where a text is from."""
    rng = draw.rng
    there = [name for name in GENRES if draw.has(name)]
    if len(there) < 2:
        raise NothingDrawn
    wording = rng.choice((0, 0, 0, 1, 2))
    name, text = draw.line(rng.choice(there))
    if name.startswith("dialogue") and rng.random() < 0.6:
        text = rng.choice(utterances(text) or [text])
    elif len(text) > 300:
        parts = sentences(text) or [text]
        begin = draw.place(parts)
        text = " ".join(parts[begin : begin + rng.choice((1, 2, 3))])
    text = style_of(rng)(text[:500])
    prefixes = ("kind of text:", "genre:", "source:", "where is this from?", "text type:")
    prefix = rng.choice((*prefixes, "classify text:"))
    label = GENRES[name][wording]
    if rng.random() < 0.3:
        others = rng.sample(list(GENRES), 3)
        return draw.among(prefix, text, label, [GENRES[other][wording] for other in others])
    return f"{prefix} {text}", label


def topic(draw: Draw) -> Pair:
    """The topic of a trivia question or of a dialogue, by its source's own mark-up."""
    rng = draw.rng
    if draw.labels.trivia and (rng.random() < 0.6 or not draw.labels.dialogues):
        by_topic: dict[str, list[int]] = {}
        drawn = [rng.randrange(len(draw.labels.trivia)) for _ in range(60)]
        for number in drawn:
            category = draw.labels.trivia[number][0]
            if category in _TOPICS:
                by_topic.setdefault(_TOPICS[category], []).append(number)
        if not by_topic:
            raise NothingDrawn
        label = rng.choice(list(by_topic))
        _, question, answer, _ = draw.labels.trivia[rng.choice(by_topic[label])]
        text = question if rng.random() < 0.5 else f"{question} {answer}"
    else:
        subject, line = rng.choice(draw.labels.dialogues)
        label = _TOPICS.get(subject, "movies")
        said = utterances(line)
        begin = draw.place(said)
        text = " ".join(said[begin : begin + rng.choice((1, 2, 4))])[:400]
    if rng.random() < 0.3:
        label = label.capitalize()
    prefix, text = rng.choice(_TOPIC_PREFIXES), style_of(rng)(text)
    if rng.random() < 0.3:
        return draw.among(prefix, text, label, rng.sample(sorted(set(_TOPICS.values())), 3))
    return f"{prefix} {text}", label


def topic_by_words(draw: Draw) -> Pair:
    """The topic that has clearly most of its words in a text; some of them are then hidden."""
    rng = draw.rng
    for _ in range(40):
        parts = sentences(draw.line()[1])
        if not parts:
            continue
        begin = draw.place(parts)
        text = " ".join(parts[begin : begin + rng.choice((1, 2, 2, 3))])[:450]
        label = _clear_topic(text)
        # Health and arts are by far the most frequent in this text.
        if label is not None and (label not in ("Health", "Arts") or rng.random() < 0.35):
            break
    else:
        raise NothingDrawn
    if rng.random() < 0.4:
        keys = _KEY_WORDS[label]
        words = text.split(" ")
        hidden = (w for w in words if w.strip(".,").lower() not in keys or rng.random() < 0.5)
        text = " ".join(hidden)
    prefixes = ("topic:", "news section:", "section text:", "category:", "classify topic text:")
    prefix = rng.choice((*prefixes, "subject description:"))
    wording = rng.choices(("as it is", "small", "plain"), (0.75, 0.15, 0.1))[0]
    named = {
        topic: {"as it is": topic, "small": topic.lower(), "plain": _PLAIN_TOPICS[topic]}[wording]
        for topic in _KEY_WORDS
    }
    if rng.random() < 0.2:
        return draw.among(prefix, text, named[label], rng.sample(list(named.values()), 3))
    return f"{prefix} {style_of(rng)(text)}", named[label]


def _clear_topic(text: str) -> str | None:
    words = {word.lower() for word in WORD.findall(text)}
    counts = Counter({topic: len(words & keys) for topic, keys in _KEY_WORDS.items()})
    (first, most), (_, next_most) = counts.most_common(2)
    return first if most >= 3 and most >= next_most + 2 else None


def medical_entry(draw: Draw) -> Pair:
    """A question on health and its answer.

    Raises:
      NothingDrawn: the source is not there, or no line is such.
    """
    if not draw.has(MEDICAL_SOURCE):
        raise NothingDrawn
    for _ in range(30):
        match = _MEDICAL_LINE.match(draw.line(MEDICAL_SOURCE)[1])
        if match:
            return match.group(1), match.group(2)
    raise NothingDrawn


def medical_type(draw: Draw) -> Pair:
    """What an answer tells of a disease, by its question."""
    for _ in range(20):
        question, answer = medical_entry(draw)
        match = _MEDICAL_WORD.search(question)
        if match:
            prefixes = (
                "what does this tell of a disease?",
                "health topic:",
                "medical question type:",
            )
            return f"{draw.rng.choice(prefixes)} {answer[:350]}", _MEDICAL[match.group(0)]
    raise NothingDrawn
