"""LM adaptation: all weights of a model tuned to write on where a text is cut (prefix LM).

T5 was pre-trained to fill gaps; Lester et al. 2021 (section 3) find that prompts work on a model
that was tuned on prefix LM after that, and the paper's frozen models are such (2.1.1).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from spotfw.config import TuningSettings
from spotfw.contracts import Evaluation, FrozenModel
from spotfw.errors import WrongUse
from spotfw.reading import read_regular
from spotfw.recipe.evaluation import VALIDATION
from spotfw.recipe.text_windows import CutWindows, TextWindows
from spotfw.tasks import Mixture, Task
from spotfw.tasks.rows.digests import file_digest

#: How names of text files end; other names are tasks'.
TEXTS = (".txt", ".text", ".md", ".markdown")
#: Most bytes read of a text.
MOST_TEXT = 2**30
#: Tokens that a word has, about; so many words fill an input.
_TOKENS_A_WORD = 1.5

#: What a record says that weights were tuned for.
ADAPTATION = "lm_adaptation"

_METRIC = "likelihood"


def text_task(path: str, settings: TuningSettings) -> Task:
    """A text file as a task: each window of words is cut in two, a prefix and the rest.

    Windows are of as many words as about fit into an input, paragraphs (parted by blank lines) not
    joined. Where each is cut is drawn by its number, evenly; every `HELD_OUT`th window is
    validation's.

    Args:
      path: of the text, UTF-8.
      settings: whose `max_input_length` says how long windows are.

    Raises:
      WrongUse: it cannot be read, is no text, or too short to hold something out.
    """
    words = max(2, int(settings.max_input_length / _TOKENS_A_WORD))
    try:
        windows = TextWindows(read_regular(path, MOST_TEXT), words)
    except OSError as error:
        why = error.strerror or error
        raise WrongUse(f"The text {path} cannot be read: {why}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise WrongUse(
            f"The text {path} is not UTF-8. Save it so, such as by `iconv -f LATIN1 -t UTF-8`, or "
            "name another."
        ) from error
    splits = {
        "train": CutWindows(windows, held_out=False),
        "validation": CutWindows(windows, held_out=True),
    }
    if not splits["train"]:
        raise WrongUse(f"The text {path} has less than two windows of {words} words. Give more.")
    digest = file_digest(path)
    return Task(
        name="prefix_lm",
        family="language modelling",
        type="language modelling",
        splits={name: len(rows) for name, rows in splits.items()},
        origin=path,
        examples=lambda split: splits[split],
        description=f"Prefix LM on {path}",
        content=lambda: {"text": digest, "words": str(words)},
    )


def likelihood(model: FrozenModel, task: Task | Mixture, settings: TuningSettings) -> Evaluation:
    """How likely the model finds the held-out texts: 100 times a token's, in the geometric mean.

    Raises:
      SpotError: the engine gives no losses of examples, or the data cannot be read.
    """
    members: Sequence[Task] = (task,) if isinstance(task, Task) else task.tasks
    encode = model.init_context(1).vocabulary.encode
    metrics, count = {}, 0
    for member in members:
        if member.examples is None:
            raise WrongUse(
                f"The task {member.name} gives tokens of seqio's and no texts, so that a model "
                "cannot be adapted on it here. Give a text file, or a task file of its rows."
            )
        held_out = itertools.islice(member.examples(VALIDATION), settings.max_eval_examples)
        examples = list(held_out)
        count += len(examples)
        nats = model.losses([None], examples, settings)[0].sum()
        most = settings.max_target_length
        tokens = sum(min(len(encode(e.targets)) + 1, most) for e in examples)
        name = _METRIC if len(members) == 1 else f"{member.name}/{_METRIC}"
        metrics[name] = 100 * math.exp(-float(nats) / tokens)
    score = float(np.mean(list(metrics.values())))
    return Evaluation(metrics=metrics, score=score, examples=count)
