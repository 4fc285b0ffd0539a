"""A frozen T5 in one TensorFlow session: opened once, tuned, scored and run many times."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from etils import epath

from spotfw.backends.mesh import programs
from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.decoding import evaluate_one, predict_lines
from spotfw.backends.mesh.folders.checkpoint import Checkpoint, fingerprint
from spotfw.backends.mesh.folders.vocabulary import open_vocabulary
from spotfw.backends.mesh.folders.weights import check_variables
from spotfw.backends.mesh.model import SIZES, building, size_gin
from spotfw.backends.mesh.programs import Program, Shapes
from spotfw.backends.mesh.tuning import tune_one
from spotfw.config import TuningSettings
from spotfw.contracts import Array, Evaluation, FrozenModel, InitContext, TuneProgress, TuneRequest
from spotfw.errors import SpotError, WrongUse
from spotfw.tasks import Task
from spotfw.tasks.seqio.examples import Examples, read_examples

_EMBEDDING = "shared/embedding"
_ACTIVATIONS = ("float32", "bfloat16")
_ONLY_END = np.ones((1, 1), np.int32)


def open_model(
    model: str,
    *,
    vocabulary: str | None = None,
    gin: str | None = None,
    activations: str = "float32",
    threads: int = 0,
) -> MeshModel:
    """Opens a Mesh TF checkpoint folder, local or ``gs://``.

    Args:
      model: folder with ``model.ckpt-STEP.*`` and ``operative_config.gin``, as released.
      vocabulary: sentencepiece file, where it is not in the folder.
      gin: a T5 1.1 size (``small`` ...) or a gin file, where the folder has no configuration.
      activations: ``float32`` or ``bfloat16``.
      threads: of each operation; 0 lets TensorFlow choose.

    Raises:
      SpotError: something is missing or does not fit together.
      WrongUse: another kind of activations.
    """
    if activations not in _ACTIVATIONS:
        raise WrongUse(f"Activations can be {' or '.join(_ACTIVATIONS)}, but not {activations!r}.")
    checkpoint = Checkpoint(model)
    if gin in SIZES:
        config = size_gin(gin)
    else:
        path = epath.Path(gin or model) / ("" if gin else "operative_config.gin")
        if not path.exists():
            raise SpotError(
                f"The model's configuration {path} does not exist. Put T5's "
                "operative_config.gin there, or name a size, e.g. --gin base."
            )
        config = path.read_text()
    return MeshModel(checkpoint, config, vocabulary, activations, threads)


class MeshModel(FrozenModel):
    """See `open_model`. Not safe to share between threads."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        config: str,
        vocabulary: str | None,
        activations: str,
        threads: int,
    ) -> None:
        self.name = checkpoint.folder
        shapes = checkpoint.shapes
        if _EMBEDDING not in shapes:
            raise SpotError(
                f"The checkpoint {checkpoint.prefix} has no variable {_EMBEDDING}, so it is not "
                f"a T5's. It holds {len(shapes)} others ({', '.join(sorted(shapes)[:3])} ...). "
                "Give the folder of a T5 1.1 checkpoint."
            )
        self.rows, self.width = shapes[_EMBEDDING]
        self.vocabulary = open_vocabulary(self.name, self.rows, vocabulary)
        self.fingerprint = fingerprint(checkpoint)
        self._config = config
        self.precision = activations
        self._dtype = mtf.VariableDType(tf.float32, tf.float32, tf.as_dtype(activations))
        self._graph = tf.Graph()
        self._session = tf.Session(
            graph=self._graph,
            config=tf.ConfigProto(
                intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
            ),
        )
        self._programs: dict[tuple[str, Shapes], Program] = {}
        self._examples: dict[Any, Examples] = {}
        self._load_frozen(checkpoint)

    def _load_frozen(self, checkpoint: Checkpoint) -> None:
        """Builds the smallest program to learn the variables; fills them from the file."""
        try:
            self.program("score", Shapes(batch=1, inputs=1, targets=1, prompt_length=0))
        except SpotError:
            raise
        except Exception as error:  # whatever Mesh TF makes of settings that are not a T5's
            what = " ".join(str(error).split())
            raise SpotError(
                f"No model can be built from the configuration of {self.name}: "
                f"{type(error).__name__}: {what:.300}. Put the operative_config.gin of this "
                "T5 1.1 checkpoint there, or name its size, e.g. --gin base."
            ) from error
        variables = self.frozen_variables()
        check_variables(
            {name: tuple(v.shape.as_list()) for name, v in variables.items()},
            checkpoint.shapes,
            checkpoint.prefix,
        )
        for name, variable in variables.items():
            self._put(variable, checkpoint.read(name))

    def frozen_variables(self) -> dict[str, Any]:
        """The TensorFlow variables of the model, by name, without prompts and slots."""
        with self._graph.as_default():
            return {
                v.op.name: v
                for v in tf.global_variables()
                if not v.op.name.startswith("shared/prompt_")
            }

    def read_variables(self) -> dict[str, npt.NDArray[Any]]:
        """The values of all frozen variables now, by name."""
        return dict(self._session.run(self.frozen_variables()))

    def program(self, kind: str, shapes: Shapes) -> Program:
        """The program of a kind (the keys below), built when first asked for."""
        key = (kind, shapes)
        if key not in self._programs:
            build: Callable[..., Program] = {
                "update": programs.update_program,
                "decode": programs.decode_program,
                "score": programs.score_program,
                "activation": programs.activation_program,
            }[kind]
            with (
                self._graph.as_default(),
                tf.variable_scope("", reuse=tf.AUTO_REUSE, use_resource=True),
                building(
                    self._config,
                    prompt_length=shapes.prompt_length,
                    dropout=shapes.dropout,
                    split_vocabulary=False,
                ),
                tf.name_scope(shapes.scope(kind)),
            ):
                self._programs[key] = build(self.rows, shapes, self._dtype)
        return self._programs[key]

    def run(self, program: Program, fetch: Sequence[str], **feeds: Any) -> list[Any]:
        """Runs a program, feeding and fetching by name."""
        return list(
            self._session.run(
                [program.fetches[name] for name in fetch],
                {program.feeds[name]: value for name, value in feeds.items()},
            )
        )

    def set_prompt(self, prompt: Array) -> None:
        """Puts a prompt [L, E] in front of the inputs of every program of that length.

        Raises:
          SpotError: the prompt is of another width.
        """
        if prompt.ndim != 2 or prompt.shape[1] != self.width:
            raise SpotError(
                f"The prompt has shape {list(prompt.shape)}, but {self.name} takes "
                f"[L, {self.width}]: it was learned for another model."
            )
        self._put(self._variable(f"shared/prompt_{len(prompt)}"), prompt)

    def get_prompt(self, length: int) -> Array:
        """The prompt [length, E] as it is now."""
        value: Array = self._session.run(self._variable(f"shared/prompt_{length}"))
        return value

    def _put(self, variable: Any, value: npt.NDArray[Any]) -> None:
        # The initial value's tensor is fed, so that no operation is added to the graph.
        self._session.run(variable.initializer, {variable.initializer.inputs[1]: value})

    def _variable(self, name: str) -> Any:
        with self._graph.as_default():
            (found,) = [v for v in tf.global_variables() if v.op.name == name]
        return found

    def slots(self, length: int) -> dict[str, Array]:
        """The optimizer's arrays for the prompt of a length, by short name."""
        start = f"shared/prompt_{length}_slot_"
        with self._graph.as_default():
            wanted = {
                v.op.name[len(start) :]: v
                for v in tf.global_variables()
                if v.op.name.startswith(start)
            }
        return dict(self._session.run(wanted))

    def set_slots(self, length: int, values: Mapping[str, Array]) -> None:
        """Puts the optimizer's arrays; those not given become zeros."""
        start = f"shared/prompt_{length}_slot_"
        with self._graph.as_default():
            for variable in tf.global_variables():
                if variable.op.name.startswith(start):
                    shape = variable.shape.as_list()
                    value = values.get(variable.op.name[len(start) :])
                    if value is None:
                        value = np.zeros(shape, np.float32)
                    if list(value.shape) != shape:
                        raise SpotError(
                            f"The optimizer state {variable.op.name[len(start) :]} has shape "
                            f"{list(value.shape)}, not {shape}; the run's state is of another "
                            "model or prompt length. Start the run anew in another folder."
                        )
                    self._put(variable, value)

    @functools.cached_property
    def embeddings(self) -> Array:
        """The frozen input embeddings, float32 [V, E]."""
        value: Array = self._session.run(self.frozen_variables()[_EMBEDDING])
        return value

    def init_context(
        self, length: int, labels: Sequence[str] = (), argument: str | None = None
    ) -> InitContext:
        """What an initializer needs of this model."""
        return InitContext(
            length=length,
            embeddings=self.embeddings,
            vocabulary=self.vocabulary,
            pieces=int(self.vocabulary.vocab_size) - self.vocabulary.extra_ids,
            labels=tuple(labels),
            argument=argument,
            fingerprint=self.fingerprint,
        )

    def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        """Tunes the requests one after the other."""
        for index, request in enumerate(requests):
            for progress in tune_one(self, request):
                yield attrs.evolve(progress, request=index)

    def evaluate(
        self, prompts: Sequence[Array | None], task: Task, split: str, settings: TuningSettings
    ) -> list[Evaluation]:
        """Scores each prompt on a split by greedy decoding."""
        return [evaluate_one(self, prompt, task, split, settings) for prompt in prompts]

    def predict(
        self, prompt: Array | None, lines: Sequence[str], settings: TuningSettings
    ) -> list[str]:
        """Decodes greedily for each line of text."""
        return predict_lines(self, prompt, lines, settings)

    def activations(self, prompt: Array) -> Array:
        """The decoder's feed-forward activations [layers, d_ff] at its first token."""
        shapes = Shapes(batch=1, inputs=1, targets=1, prompt_length=len(prompt))
        program = self.program("activation", shapes)
        self.set_prompt(prompt)
        (found,) = self.run(program, ["activations"], inputs=_ONLY_END, targets=_ONLY_END)
        told: Array = found[:, 0, 0]
        return told

    def examples(self, task: Task, split: str, settings: TuningSettings) -> Examples:
        """A tokenised split, read once for these limits and kept."""
        limit = settings.max_train_examples if split == "train" else settings.max_eval_examples
        key = (task, split, settings.max_input_length, settings.max_target_length, limit)
        if key not in self._examples:
            self._examples[key] = read_examples(
                task,
                split,
                self.vocabulary,
                settings.max_input_length,
                settings.max_target_length,
                limit,
            )
        return self._examples[key]

    def decode_ids(self, ids: npt.NDArray[np.int32]) -> str:
        """The text of decoded ids, up to EOS."""
        text: str = self.vocabulary.decode(ids.tolist())
        return text

    def close(self) -> None:
        """Ends the TensorFlow session and gives the weights' memory back."""
        self._session.close()
