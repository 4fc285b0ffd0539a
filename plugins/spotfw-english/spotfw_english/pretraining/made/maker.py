"""All made tasks, and how often each is drawn."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import attrs

from spotfw_english.pretraining.labels import Labels
from spotfw_english.pretraining.made.belonging import follows, order, reply
from spotfw_english.pretraining.made.draw import Draw, NothingDrawn, Pair, Sources
from spotfw_english.pretraining.made.filling import cloze, toy, who
from spotfw_english.pretraining.made.grammar import acceptable, repair
from spotfw_english.pretraining.made.kinds import genre, medical_type, topic, topic_by_words
from spotfw_english.pretraining.made.opinion_words import learn_odds
from spotfw_english.pretraining.made.opinions import (
    film_sentiment,
    opinion_word,
    pro_or_con,
    subjective,
)
from spotfw_english.pretraining.made.pairs import (
    entailment,
    same_meaning,
    similarity,
    yes_or_no,
)
from spotfw_english.pretraining.made.questions import answers_question, extract, trivia_choice

#: Draws that may come to nothing before the text is given up on.
_TRIES = 1_000


@attrs.frozen
class MadeTask:
    """A task.

    Attributes:
      make: draws an example, or raises `NothingDrawn`.
      weight: how often it is drawn, relative to the others.
      needs: names of `Labels` without which it is left out.
    """

    make: Callable[[Draw], Pair]
    weight: float
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its function's."""
        return self.make.__name__


TASKS = (
    MadeTask(pro_or_con, 2.5, ("pros_cons",)),
    MadeTask(film_sentiment, 4.5, ("film_reviews", "pros_cons")),
    MadeTask(opinion_word, 4.0),
    MadeTask(subjective, 3.0, ("film_reviews", "pros_cons")),
    MadeTask(genre, 2.0),
    MadeTask(topic, 2.5, ("trivia", "dialogues")),
    MadeTask(topic_by_words, 2.0),
    MadeTask(acceptable, 6.0),
    MadeTask(repair, 1.0),
    MadeTask(follows, 2.0),
    MadeTask(order, 1.0),
    MadeTask(answers_question, 4.0),
    MadeTask(same_meaning, 5.0),
    MadeTask(entailment, 5.5),
    MadeTask(yes_or_no, 3.5),
    MadeTask(cloze, 2.0),
    MadeTask(extract, 2.5),
    MadeTask(trivia_choice, 1.0, ("trivia",)),
    MadeTask(medical_type, 0.5),
    MadeTask(who, 1.0),
    MadeTask(toy, 1.0),
    MadeTask(similarity, 0.7),
    MadeTask(reply, 1.0),
)


def tasks_for(labels: Labels) -> list[MadeTask]:
    """All but those that need labels which are not at hand."""
    return [task for task in TASKS if all(getattr(labels, name) for name in task.needs)]


@attrs.frozen
class MadeExample:
    """An example.

    Attributes:
      inputs, targets: texts.
      task: of which task.
    """

    inputs: str
    targets: str
    task: str


class Maker:
    """Draws examples of the tasks that a corpus allows.

    Args:
      lines: of each source.
      labels: that sources carry.

    Attributes:
      names: of all tasks that may be drawn.
    """

    def __init__(self, lines: Mapping[str, Sequence[str]], labels: Labels) -> None:
        self._sources = Sources(lines=lines, labels=labels, odds=learn_odds(labels))
        self._tasks = tasks_for(labels)
        self._weights = [task.weight for task in self._tasks]
        self.names = tuple(task.name for task in self._tasks)

    def example(self, rng: random.Random) -> MadeExample:
        """An example of a task; one that finds nothing in the text is drawn again.

        Raises:
          NothingDrawn: the text has nothing for any of them, after many tries.
        """
        draw = Draw(self._sources, rng)
        for _ in range(_TRIES):
            (task,) = rng.choices(self._tasks, self._weights)
            try:
                inputs, targets = task.make(draw)
            except NothingDrawn:
                continue
            return MadeExample(inputs, targets, task.name)
        raise NothingDrawn
