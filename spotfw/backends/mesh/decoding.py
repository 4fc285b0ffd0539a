"""Decodes with a prompt, and scores what comes out."""

from __future__ import annotations

from collections.abc import Sequence

from spotfw.backends.answers import evaluation_of, most_tokens, tokenised_lines
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.runtime import LivePrompts, Runtime
from spotfw.config import TuningSettings
from spotfw.contracts import Array, Evaluation
from spotfw.tasks.batches import bucket, pad_batch
from spotfw.tasks.examples import Examples
from spotfw.tasks.tokens import Ragged, Tokens
from spotfw.tasks.vocabulary import Vocabulary


def evaluate_prompt(
    runtime: Runtime,
    vocabulary: Vocabulary,
    prompt: Array | None,
    examples: Examples,
    settings: TuningSettings,
) -> Evaluation:
    """Scores a prompt on a split by the task's own metrics."""
    targets = most_tokens(settings, examples)
    texts = _texts(vocabulary, decode(runtime, prompt, examples.inputs, targets, settings))
    return evaluation_of(examples, texts)


def predict_lines(
    runtime: Runtime,
    vocabulary: Vocabulary,
    prompt: Array | None,
    lines: Sequence[str],
    settings: TuningSettings,
) -> list[str]:
    """Decodes greedily for each line.

    Raises:
      SpotError: a line holds no text.
    """
    inputs = tokenised_lines(lines, vocabulary, settings)
    return _texts(vocabulary, decode(runtime, prompt, inputs, most_tokens(settings), settings))


def decode(
    runtime: Runtime,
    prompt: Array | None,
    inputs: Sequence[Tokens] | Ragged,
    targets: int,
    settings: TuningSettings,
) -> list[Tokens]:
    """Greedy decodings of tokenised inputs, in their order, each int32 [targets].

    Args:
      runtime: of the frozen model.
      prompt: float32 [L, E], or None for none.
      inputs: token sequences with EOS, int32.
      targets: most tokens to decode.
      settings: `eval_batch_size` of them.
    """
    live = None if prompt is None else LivePrompts.of(prompt)
    length = 0 if prompt is None else len(prompt)
    layout = runtime.machine.layout
    size = layout.even_batch(min(settings.eval_batch_size, max(len(inputs), 1)))
    # Alike lengths together: less padding, fewer shapes.
    order = sorted(range(len(inputs)), key=lambda i: len(inputs[i]))
    decoded: dict[int, Tokens] = {}
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        # The last batch is filled up, so that no new shape is compiled for it.
        padded = rows + [rows[-1]] * (size - len(rows))
        chosen = [inputs[i] for i in padded]
        fed = pad_batch(chosen, bucket(max(map(len, chosen))))
        shapes = Shapes(batch=size, inputs=fed.shape[1], targets=targets, prompt_length=length)
        program = runtime.program("decode", shapes)
        ((ids,),) = runtime.run(program, ["ids"], prompts=live, inputs=fed[None])
        decoded.update(zip(rows, ids, strict=False))
    return [decoded[row] for row in range(len(inputs))]


def _texts(vocabulary: Vocabulary, decoded: Sequence[Tokens]) -> list[str]:
    """The texts of decoded ids, up to EOS."""
    return [str(vocabulary.decode(ids.tolist())) for ids in decoded]
