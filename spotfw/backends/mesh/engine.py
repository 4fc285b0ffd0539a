"""A frozen T5 in one TensorFlow session: opened once, tuned, scored and run many times."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.backends.given import GivenExamples
from spotfw.backends.mesh.decoding import evaluate_prompt, predict_lines
from spotfw.backends.mesh.folders.checkpoint import Checkpoint, fingerprint
from spotfw.backends.mesh.folders.weights import check_finite, check_variables
from spotfw.backends.mesh.losses import example_losses, loss_gradients
from spotfw.backends.mesh.machines import LocalMachine, Machine
from spotfw.backends.mesh.memory import Sizes, dimensions
from spotfw.backends.mesh.model import read_gin
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.runtime import LivePrompts, Runtime
from spotfw.backends.mesh.tpu.opening import DRY, open_machine
from spotfw.backends.mesh.tuning import tune_in_cohorts
from spotfw.backends.mesh.weights.folder import ModelFiles
from spotfw.backends.mesh.weights.idle import IdleSession
from spotfw.backends.mesh.weights.runtime import WeightRuntime
from spotfw.backends.mesh.weights.tunable import TunableModel
from spotfw.backends.splits import Splits
from spotfw.backends.vocabulary import open_vocabulary
from spotfw.config import NONE, TuningSettings, checked
from spotfw.contracts import (
    Array,
    Evaluation,
    InitContext,
    TuneProgress,
    TuneRequest,
)
from spotfw.errors import SpotError, WrongUse
from spotfw.tasks import Example, Task
from spotfw.tasks.examples import Examples
from spotfw.tasks.rows.digests import digest_of_values

_EMBEDDING = "shared/embedding"
_ACTIVATIONS = ("float32", "bfloat16")
_ONLY_END = np.ones((1, 1, 1), np.int32)


def open_model(
    model: str,
    *,
    vocabulary: str | None = None,
    gin: str | None = None,
    activations: str = "float32",
    threads: int = 0,
    cohort: int | None = None,
    mesh_shape: str | None = None,
    layout: str | None = None,
    devices: str | None = None,
    tpu: str | None = None,
    tpu_topology: str | None = None,
    model_parallelism: int | None = None,
    iterations_per_loop: int | None = None,
) -> MeshModel:
    """Opens a Mesh TF checkpoint folder, local or ``gs://``.

    Args:
      model: folder with ``model.ckpt-STEP.*`` and ``operative_config.gin``, as released.
      vocabulary: sentencepiece file, where it is not in the folder.
      gin: a T5 1.1 size (``small`` ...) or a gin file, where the folder has no configuration.
      activations: ``float32`` or ``bfloat16``.
      threads: of each operation; 0 lets TensorFlow choose.
      cohort: most tunings of one shape that are updated together; by default as many as fit
        into half a GiB, by the model's size, the batch and the lengths, where they have enough
        to do. Results do not depend on it; 1 takes one after another.
      mesh_shape: of several devices, ``batch:4,model:2``; see `spotfw.backends.mesh.layout`.
      layout: over them, ``batch:batch,d_ff:model,...``; by default t5's, and ``cohort:cohort``.
      devices: TensorFlow's names of them, ``GPU:0,GPU:1``, where they are not the first.
      tpu: a TPU's name or address, or ``local`` on a TPU VM.
      tpu_topology: its slice, ``v3-8``.
      model_parallelism: TPU cores that share a copy of the model, in place of a mesh's shape.
      iterations_per_loop: most updates that are done on the TPU between two looks at it.

    Raises:
      SpotError: something is missing or does not fit together.
      WrongUse: another kind of activations, or an option of another type.
    """
    for name, value in {"vocabulary": vocabulary, "gin": gin}.items():
        checked(name, value, (str, NONE), what="option")
    checked("threads", threads, (int,), "of 0 or more", lambda n: 0 <= n < 2**15, what="option")
    at_least_1 = "of 1 or more", lambda n: 1 <= n < 2**15
    checked("cohort", cohort, (int, NONE), *at_least_1, what="option")
    if activations not in _ACTIVATIONS:
        raise WrongUse(f"Activations can be {' or '.join(_ACTIVATIONS)}, but not {activations!r}.")
    if tpu == DRY:
        raise WrongUse(
            "A dry TPU runs nothing, so no model can be opened on it. For its programs, counted: "
            "python -m benchmarks.tpu --dry-run."
        )
    machine = open_machine(
        mesh_shape=mesh_shape,
        layout=layout,
        devices=devices,
        tpu=tpu,
        tpu_topology=tpu_topology,
        model_parallelism=model_parallelism,
        iterations_per_loop=iterations_per_loop,
    )
    return MeshModel(
        Checkpoint(model),
        read_gin(model, gin),
        vocabulary,
        activations,
        threads,
        cohort,
        machine,
        gin,
    )


class MeshModel(TunableModel):
    """See `open_model`. Not safe to share between threads."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        config: str,
        vocabulary: str | None,
        activations: str,
        threads: int,
        cohort: int | None = None,
        machine: Machine | None = None,
        gin: str | None = None,
    ) -> None:
        self.name = checkpoint.folder
        shapes = checkpoint.shapes
        if len(shapes.get(_EMBEDDING, ())) != 2:
            raise SpotError(
                f"The checkpoint {checkpoint.prefix} has no matrix {_EMBEDDING}, so it is not "
                f"a T5's. It holds {len(shapes)} others ({', '.join(sorted(shapes)[:3])} ...). "
                "Give the folder of a T5 1.1 checkpoint."
            )
        self.rows, self.width = shapes[_EMBEDDING]
        machine = machine or LocalMachine()
        machine.layout.check_model(dimensions(shapes))
        self.parameters = checkpoint.parameters
        self.vocabulary = open_vocabulary(self.name, self.rows, vocabulary)
        self.fingerprint = fingerprint(checkpoint)
        self.precision = activations
        self.identity = {
            "vocabulary": self.vocabulary.digest,
            "configuration": f"mesh:{digest_of_values(config)}",
        }
        about: dict[str, Any] = {"rows": self.rows, "width": self.width, "activations": activations}
        about |= {"threads": threads, "machine": machine}
        self.runtime = Runtime(self.name, config, **about)
        self.splits = Splits(self.vocabulary)
        self._sizes = Sizes.of(shapes, self.rows)
        self._cohort = cohort
        self.checkpoint = checkpoint
        self.beside = ModelFiles(self.name, config, gin, self.vocabulary, self.rows)
        make = functools.partial(WeightRuntime, self.name, config, **about)
        self.to_tune = IdleSession(make, self.parameters)
        self._load_frozen(checkpoint)

    @property
    def _examples(self) -> dict[Any, Examples]:
        """The splits read so far, by task, split, lengths and draw."""
        return self.splits.kept

    def _load_frozen(self, checkpoint: Checkpoint) -> None:
        """Builds the smallest program to learn the variables; fills them from the file."""
        try:
            self.runtime.program("score", Shapes(batch=1, inputs=1, targets=1, prompt_length=0))
        except SpotError:
            raise
        except Exception as error:  # whatever Mesh TF makes of settings that are not a T5's
            what = " ".join(str(error).split())
            raise SpotError(
                f"No model can be built from the configuration of {self.name}: "
                f"{type(error).__name__}: {what:.300}. Put the operative_config.gin of this "
                "T5 1.1 checkpoint there, or name its size, e.g. --gin base."
            ) from error
        variables = self.runtime.frozen_variables()
        check_variables(
            {name: tuple(v.shape.as_list()) for name, v in variables.items()},
            checkpoint.shapes,
            checkpoint.prefix,
        )
        self.runtime.fill(self._values(checkpoint, variables))

    def _values(
        self, checkpoint: Checkpoint, names: Iterable[str]
    ) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        for name in names:
            value = checkpoint.read(name)
            check_finite(value, name, checkpoint.prefix)
            yield name, value

    def check_settings(self, settings: TuningSettings) -> None:
        """Refuses a batch that the mesh cannot split; see `Layout.check_batch`."""
        self.runtime.machine.layout.check_batch(settings.batch_size)

    def read_variables(self) -> dict[str, npt.NDArray[Any]]:
        """The values of all frozen variables now, by name."""
        names = list(self.runtime.frozen_variables())
        return dict(zip(names, self.runtime.read(names), strict=True))

    @functools.cached_property
    def embeddings(self) -> Array:
        """The input embeddings, float32 [V, E]."""
        value: Array
        (value,) = self.runtime.read([_EMBEDDING])
        if value.dtype != np.float32:  # rounded there; weights that move never are
            value = self.checkpoint.read(_EMBEDDING)
        value.flags.writeable = False  # it is frozen, and many are shown it
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
        """Tunes the requests, those of one shape in cohorts; see `FrozenModel.tune`."""
        yield from tune_in_cohorts(self.runtime, self.splits, requests, self._sizes, self._cohort)

    def evaluate(
        self, prompts: Sequence[Array | None], task: Task, split: str, settings: TuningSettings
    ) -> list[Evaluation]:
        """Scores each prompt on a split by greedy decoding; see `FrozenModel.evaluate`."""
        return [
            evaluate_prompt(
                self.runtime,
                self.vocabulary,
                prompt,
                self.splits.examples(task, split, settings),
                settings,
            )
            for prompt in prompts
        ]

    def predict(
        self, prompt: Array | None, lines: Sequence[str], settings: TuningSettings
    ) -> list[str]:
        """Decodes greedily for each line of text; see `FrozenModel.predict`."""
        return predict_lines(self.runtime, self.vocabulary, prompt, lines, settings)

    def activations(self, prompt: Array) -> Array:
        """The decoder's feed-forward activations; see `FrozenModel.activations`."""
        shapes = Shapes(batch=1, inputs=1, targets=1, prompt_length=len(prompt))
        (batched,) = self.runtime.run(
            self.runtime.program("activation", shapes),
            ["activations"],
            prompts=LivePrompts.of(prompt),
            inputs=_ONLY_END,
            targets=_ONLY_END,
        )
        activations: Array = batched[:, 0, 0, 0]
        return activations

    def losses(
        self, prompts: Sequence[Array | None], examples: Sequence[Example], settings: TuningSettings
    ) -> npt.NDArray[np.float64]:
        """The loss of each example under each prompt; see `FrozenModel.losses`."""
        given = GivenExamples.of(examples, self.vocabulary, settings)
        return example_losses(self.runtime, prompts, given, settings.eval_batch_size)

    def loss_gradients(
        self, prompts: Sequence[Array], examples: Sequence[Example], settings: TuningSettings
    ) -> Array:
        """The gradient of the mean loss by each prompt; see `FrozenModel.loss_gradients`."""
        given = GivenExamples.of(examples, self.vocabulary, settings)
        return loss_gradients(self.runtime, prompts, given, settings.eval_batch_size)

    def close(self) -> None:
        """Closes the TensorFlow sessions and frees the weights' memory."""
        self.to_tune.close()
        self.runtime.close()
