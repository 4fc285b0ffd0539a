"""A frozen T5 in a TensorFlow session: programs, variables, and the prompt that these hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.backends.mesh import programs
from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.model import building
from spotfw.backends.mesh.programs import Program, Shapes
from spotfw.contracts import Array
from spotfw.errors import SpotError

_PROMPT = "shared/prompt_"


@attrs.define(kw_only=True, eq=False)
class LivePrompt:
    """A prompt that programs run with, and its optimizer's arrays.

    The newest values are in the session's variables or here. `Runtime.run` moves them to the
    variables; `Runtime.fetch` copies them back, and so does another prompt that needs the
    variables.

    Attributes:
      array: float32 [L, E], as it was last copied back.
      slots: the optimizer's arrays by short name, float32, likewise; those absent are zeros.
      updated: whether updates were run since.
    """

    array: Array
    slots: Mapping[str, Array] = attrs.field(factory=dict)
    updated: bool = False


class Runtime:
    """The graph and session of a frozen model. Not safe to share between threads.

    For each prompt length there is one prompt variable, with one set of slots. They hold one
    `LivePrompt` at a time, whose state stays there from step to step until another takes its
    place, so that any number of tunings and scorings may take turns.

    Args:
      name: of the model, for messages.
      config: gin text of the model.
      rows, width: of the embedding table, V and E.
      activations: ``float32`` or ``bfloat16``.
      threads: of each operation; 0 lets TensorFlow choose.
    """

    def __init__(
        self, name: str, config: str, *, rows: int, width: int, activations: str, threads: int
    ) -> None:
        self._name = name
        self._config = config
        self._rows, self._width = rows, width
        self._dtype = mtf.VariableDType(tf.float32, tf.float32, tf.as_dtype(activations))
        self.graph = tf.Graph()
        self._session = tf.Session(
            graph=self.graph,
            config=tf.ConfigProto(
                intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
            ),
        )
        self._programs: dict[tuple[str, Shapes], Program] = {}
        self._held: dict[int, LivePrompt] = {}

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
                self.graph.as_default(),
                tf.variable_scope("", reuse=tf.AUTO_REUSE, use_resource=True),
                building(
                    self._config,
                    prompt_length=shapes.prompt_length,
                    dropout=shapes.dropout,
                    split_vocabulary=False,
                ),
                tf.name_scope(shapes.scope(kind)),
            ):
                self._programs[key] = build(self._rows, shapes, self._dtype)
            held = self._held.get(shapes.prompt_length)
            if held is not None and not held.updated:
                # The program may have brought slots, which nothing was put into yet.
                self.release(held)
        return self._programs[key]

    def run(
        self,
        program: Program,
        fetch: Sequence[str],
        *,
        prompt: LivePrompt | None = None,
        **feeds: Any,
    ) -> list[Any]:
        """Runs a program with a prompt in front of its inputs, feeding and fetching by name.

        Args:
          program: of the prompt's length.
          fetch: names among the program's fetches; ``update`` updates `prompt`.
          prompt: None for a program of prompt length 0.
          **feeds: values by the names of the program's feeds.

        Raises:
          SpotError: the prompt is of another width, or its slots of another shape.
        """
        if prompt is not None:
            self._hold(prompt)
            # Before it runs: one that is interrupted may have been done in part.
            prompt.updated = prompt.updated or "update" in fetch
        return list(
            self._session.run(
                [program.fetches[name] for name in fetch],
                {program.feeds[name]: value for name, value in feeds.items()},
            )
        )

    def fetch(self, prompt: LivePrompt) -> None:
        """Copies a prompt and its slots back from the session, if updates were run there."""
        if prompt.updated:
            length = len(prompt.array)
            held = [self._variable(f"{_PROMPT}{length}"), self._slots(length)]
            prompt.array, prompt.slots = self._session.run(held)
            prompt.updated = False

    def release(self, prompt: LivePrompt) -> None:
        """Forgets a prompt that no program will be run with again."""
        if self._held.get(len(prompt.array)) is prompt:
            del self._held[len(prompt.array)]

    def frozen_variables(self) -> dict[str, Any]:
        """The TensorFlow variables of the model, by name, without prompts and slots."""
        return {
            name: variable
            for name, variable in self._variables().items()
            if not name.startswith(_PROMPT)
        }

    def read(self, names: Sequence[str]) -> list[npt.NDArray[Any]]:
        """The values of variables now."""
        variables = self._variables()
        return list(self._session.run([variables[name] for name in names]))

    def write(self, name: str, value: npt.NDArray[Any]) -> None:
        """Gives a variable a value of its own shape."""
        self._put(self._variable(name), value)

    def close(self) -> None:
        """Closes the session and frees the weights' memory."""
        self._session.close()

    def _hold(self, prompt: LivePrompt) -> None:
        """Makes the variables of the prompt's length hold it."""
        array = prompt.array
        if array.ndim != 2 or array.shape[1] != self._width:
            raise SpotError(
                f"The prompt has shape {list(array.shape)}, but {self._name} takes "
                f"[L, {self._width}]: it was learned for another model."
            )
        length = len(array)
        before = self._held.get(length)
        if before is prompt:
            return
        if before is not None:
            self.fetch(before)
            self.release(before)
        self._put(self._variable(f"{_PROMPT}{length}"), array)
        for name, variable in self._slots(length).items():
            shape = variable.shape.as_list()
            value = prompt.slots.get(name)
            if value is None:
                value = np.zeros(shape, np.float32)
            if list(value.shape) != shape:
                raise SpotError(
                    f"The optimizer state {name} has shape {list(value.shape)}, not {shape}; "
                    "the run's state is of another model or prompt length. Start a new run "
                    "in another folder."
                )
            self._put(variable, value)
        self._held[length] = prompt

    def _put(self, variable: Any, value: npt.NDArray[Any]) -> None:
        # The initial value's tensor is fed, so that no operation is added to the graph.
        self._session.run(variable.initializer, {variable.initializer.inputs[1]: value})

    def _variables(self) -> dict[str, Any]:
        with self.graph.as_default():
            return {v.op.name: v for v in tf.global_variables()}

    def _variable(self, name: str) -> Any:
        return self._variables()[name]

    def _slots(self, length: int) -> dict[str, Any]:
        """The variables of the optimizer's arrays for a length, by short name."""
        start = f"{_PROMPT}{length}_slot_"
        variables = self._variables()
        return {n[len(start) :]: v for n, v in variables.items() if n.startswith(start)}
