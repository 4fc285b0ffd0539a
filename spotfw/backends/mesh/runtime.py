"""A frozen T5 in a TensorFlow session: programs, variables, and the prompts that these hold."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.compiled import compiling
from spotfw.backends.mesh.machines import Copies, LocalMachine, Machine, Program
from spotfw.backends.mesh.model import building
from spotfw.backends.mesh.programs import PLANS, Feed, Plan, Shapes, Tensors, feeds_of
from spotfw.backends.mesh.prompted import prompts_name
from spotfw.contracts import Array
from spotfw.errors import SpotError

#: What the names of variables that are not the model's begin with.
_PROMPTS = "shared/prompt_"

#: Bytes of values from which they are put into the session.
_FILLED = 2**25


@attrs.define(kw_only=True, eq=False)
class LivePrompts:
    """A cohort's prompts that programs run with, and their optimizer's arrays.

    The newest values are in the session's variables or here. `Runtime.run` moves them to the
    variables; `Runtime.fetch` copies them back, and so do other prompts that need the
    variables.

    Attributes:
      array: float32 [members, L, E], as it was last copied back.
      slots: the optimizer's arrays by short name, of the same shape, likewise; those absent are
        zeros.
      updated: whether updates were run since.
    """

    array: Array
    slots: Mapping[str, Array] = attrs.field(factory=dict)
    updated: bool = False

    @classmethod
    def of(cls, prompt: Array) -> LivePrompts:
        """A single prompt [L, E]."""
        return cls(array=prompt[None])

    @property
    def key(self) -> tuple[int, ...]:
        """Members and L, by which there is one set of variables."""
        return self.array.shape[:2]


class Runtime:
    """The graph and session of a frozen model. Not safe to share between threads.

    For each number of members and prompt length there is one variable of prompts, with one set
    of slots. They hold one `LivePrompts` at a time, whose state stays there from step to step
    until another takes its place, so that any number of tunings and scorings may take turns.

    Args:
      name: of the model, for messages.
      config: gin text of the model.
      rows, width: of the embedding table, V and E.
      activations: ``float32`` or ``bfloat16``.
      threads: of each operation; 0 lets TensorFlow choose.
      machine: what the programs run on; by default a single device.
    """

    #: Whether the model's weights never change.
    frozen = True

    def __init__(
        self,
        name: str,
        config: str,
        *,
        rows: int,
        width: int,
        activations: str,
        threads: int,
        machine: Machine | None = None,
    ) -> None:
        self._name = name
        self._config = config
        self._rows, self._width = rows, width
        self.machine = machine or LocalMachine()
        kind = tf.as_dtype(activations)
        # On a TPU, or on a single device, frozen weights lie as they are computed with; prompts,
        # and weights that move, are float32 everywhere.
        alone = not self.machine.updates and self.machine.layout.size == 1
        master = kind if alone and self.frozen else tf.float32
        self._dtype = mtf.VariableDType(master, kind if self.machine.updates else master, kind)
        self._compiles = alone and kind == tf.bfloat16  # a TPU compiles all of a program
        self.graph = tf.Graph()
        self._session = self.machine.session(self.graph, threads)
        self._programs: dict[tuple[str, Shapes], Program] = {}
        self._held: dict[tuple[int, ...], LivePrompts] = {}
        self._copies: dict[str, Copies] = {}

    def program(self, kind: str, shapes: Shapes) -> Program:
        """The program of a kind (the keys below), built when first asked for."""
        key = (kind, shapes)
        if key not in self._programs:
            with (
                self.graph.as_default(),
                tf.variable_scope("", reuse=tf.AUTO_REUSE, use_resource=True),
                building(
                    self._config,
                    prompt_length=shapes.prompt_length,
                    members=shapes.members,
                    dropout=shapes.dropout,
                    split_vocabulary=self.machine.layout.splits_vocabulary,
                    split_width=self.machine.layout.parts("d_model") > 1,
                    gradients=kind != "decode",
                ),
                tf.name_scope(shapes.scope(kind)),
                compiling(self._compiles, shapes.members),
            ):
                program = self.machine.program(
                    *self._planned(kind, shapes),
                    self.machine.layout.for_rows(shapes.members, shapes.batch),
                )
            self._programs[key] = program
            for name, copies in program.copies.items():
                self._copies.setdefault(name, copies)
            held = self._held.get((shapes.members, shapes.prompt_length))
            if held is not None and not held.updated:
                # The program may have brought slots, which nothing was put into yet.
                self.release(held)
        return self._programs[key]

    def _planned(
        self, kind: str, shapes: Shapes
    ) -> tuple[Mapping[str, Feed], Callable[[Tensors], Plan]]:
        """What a program of a kind is fed, and what plans it."""
        plan = functools.partial(PLANS[kind], self._rows, shapes, self._dtype)
        return feeds_of(kind, shapes), plan

    def run(
        self,
        program: Program,
        fetch: Sequence[str],
        *,
        prompts: LivePrompts | None = None,
        **feeds: Any,
    ) -> list[Any]:
        """Runs a program with prompts in front of its inputs, feeding and fetching by name.

        Args:
          program: of as many members, and of the prompts' length.
          fetch: names among the program's fetches; ``update`` updates `prompts`.
          prompts: None for a program of prompt length 0.
          **feeds: values by the names of the program's feeds.

        Raises:
          SpotError: the prompts are of another width.
        """
        if prompts is not None:
            self._hold(prompts)
            # Before it runs: one that is interrupted may have been done in part.
            prompts.updated = prompts.updated or "update" in fetch
        return list(
            self._session.run(
                [program.fetches[name] for name in fetch],
                {program.feeds[name]: value for name, value in feeds.items()},
            )
        )

    def fetch(self, prompts: LivePrompts) -> None:
        """Copies prompts and their slots back from the session, if updates were run there."""
        if prompts.updated:
            key = prompts.key
            held = [self._variable(_name(key)), self._slots(key)]
            names = [_name(key), *(variable.op.name for variable in held[1].values())]
            self._session.run([self._copies[n].back for n in names if n in self._copies])
            prompts.array, prompts.slots = self._session.run(held)
            prompts.updated = False

    def release(self, prompts: LivePrompts) -> None:
        """Forgets prompts that no program will be run with again."""
        if self._held.get(prompts.key) is prompts:
            del self._held[prompts.key]

    def check_width(self, prompt: Array) -> None:
        """Whether a prompt [L, E] fits the model.

        Raises:
          SpotError: it is of another width.
        """
        if prompt.ndim != 2 or prompt.shape[1] != self._width:
            raise SpotError(
                f"The prompt has shape {list(prompt.shape)}, but {self._name} takes "
                f"[L, {self._width}]: it was learned for another model."
            )

    def frozen_variables(self) -> dict[str, Any]:
        """The TensorFlow variables of the model, by name, without prompts and slots."""
        return {
            name: variable
            for name, variable in self._variables().items()
            if not name.startswith(_PROMPTS)
        }

    def read(self, names: Sequence[str]) -> list[npt.NDArray[Any]]:
        """The values of variables now."""
        variables = self._variables()
        return list(self._session.run([variables[name] for name in names]))

    def write(self, name: str, value: npt.NDArray[Any]) -> None:
        """Gives a variable a value of its own shape."""
        self._put({name: value})

    def fill(self, values: Iterable[tuple[str, npt.NDArray[Any]]]) -> None:
        """Gives variables, by name, values of their own shapes; several in each run.

        TensorFlow looks through the whole graph for a run that it has not seen before.
        """
        waiting: dict[str, npt.NDArray[Any]] = {}
        for name, value in values:
            waiting[name] = value
            if sum(other.nbytes for other in waiting.values()) >= _FILLED:
                self._put(waiting)
                waiting = {}
        self._put(waiting)

    def close(self) -> None:
        """Closes the session and frees the weights' memory."""
        self._session.close()

    def _hold(self, prompts: LivePrompts) -> None:
        """Makes the variables of as many prompts of their length hold them."""
        key = prompts.key
        before = self._held.get(key)
        if before is prompts:
            return
        self.check_width(prompts.array[0])
        if before is not None:
            self.fetch(before)
            self.release(before)
        values = {_name(key): prompts.array}
        for name, variable in self._slots(key).items():
            value = prompts.slots.get(name)
            values[variable.op.name] = np.zeros_like(prompts.array) if value is None else value
        self._put(values)
        self._held[key] = prompts

    def _put(self, values: Mapping[str, npt.NDArray[Any]]) -> None:
        # The initial value's tensor is fed, so that no operation is added to the graph.
        variables = self._variables()
        runs = {variables[name].initializer: value for name, value in values.items()}
        feeds = {
            run.inputs[1]: value.astype(run.inputs[1].dtype.as_numpy_dtype, copy=False)
            for run, value in runs.items()
        }
        self._session.run(list(runs), feeds)
        copies = [self._copies[name].out for name in values if name in self._copies]
        if copies:
            self._session.run(copies)

    def _variables(self) -> dict[str, Any]:
        with self.graph.as_default():
            return {v.op.name: v for v in tf.global_variables()}

    def _variable(self, name: str) -> Any:
        return self._variables()[name]

    def _slots(self, key: tuple[int, ...]) -> dict[str, Any]:
        """The variables of the optimizer's arrays of these prompts, by short name."""
        start = f"{_name(key)}_slot_"
        variables = self._variables()
        return {n[len(start) :]: v for n, v in variables.items() if n.startswith(start)}


def _name(key: tuple[int, ...]) -> str:
    return f"shared/{prompts_name(*key)}"
