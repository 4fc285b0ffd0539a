"""Reads and writes Mesh TF / t5 checkpoint folders, local or ``gs://``, a tensor at a time.

A folder holds ``model.ckpt-STEP.index`` and ``model.ckpt-STEP.data-*`` and, in a small text
file ``checkpoint``, the step to use. Optimizer slots and the step counter are not part of a
frozen model: they are listed apart.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw import files
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.folders import weights
from spotfw.backends.mesh.folders.hf_names import canonical
from spotfw.errors import SpotError
from spotfw.reading import open_regular

#: The counter of updates, an int64.
STEP = "global_step"

_PREFIX = "model.ckpt-"
#: What stands between a variable's name and that of what an optimizer keeps of it.
SLOT = "_slot_"
#: Bytes of the file ``checkpoint``; T5's lists some dozens of names.
_MAX_TEXT = 2**20
#: Tensors are gathered to shards of about this size, which bounds the memory a write takes.
SHARD_BYTES = 512 * 2**20


@attrs.frozen
class Variable:
    """A variable of a checkpoint: its shape, and its NumPy dtype's name."""

    shape: tuple[int, ...]
    dtype: str


class Checkpoint:
    """A checkpoint opened for reading.

    Attributes:
      folder: as given.
      prefix: ``FOLDER/model.ckpt-STEP``.
      step: of the training that wrote it.
      variables: trained variables by name.
      slots: the optimizer's by name, float32 where Mesh TF wrote them.
    """

    def __init__(self, folder: str, step: int | None = None) -> None:
        """Opens a folder's checkpoint, by default the one its ``checkpoint`` file names.

        Raises:
          SpotError: there is no checkpoint, or it cannot be read.
        """
        self.folder = folder
        self.step = _latest_step(folder) if step is None else step
        self.prefix = posixpath.join(folder, f"{_PREFIX}{self.step}")
        _check_files(folder, f"{_PREFIX}{self.step}.")
        try:
            self._reader: Any = tf.train.load_checkpoint(self.prefix)
        except (tf.errors.OpError, RuntimeError, LookupError, ValueError, OSError) as error:
            raise SpotError(
                f"The checkpoint {self.prefix} cannot be read: {_reason(error)}. It may be "
                "half copied or damaged: copy it again, with its .index and all .data files."
            ) from error
        dtypes = self._reader.get_variable_to_dtype_map()
        stored = {
            name: Variable(tuple(shape), dtypes[name].name)
            for name, shape in sorted(self._reader.get_variable_to_shape_map().items())
        }
        self.variables: dict[str, Variable] = {n: v for n, v in stored.items() if _is_trained(n)}
        self.slots = {n: v for n, v in stored.items() if SLOT in n}
        self._counter = stored.get(STEP)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the trained variables by name."""
        return {name: variable.shape for name, variable in self.variables.items()}

    @property
    def parameters(self) -> int:
        """Number of trained parameters, padding rows counted."""
        return sum(int(np.prod(shape, dtype=np.int64)) for shape in self.shapes.values())

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """A trained variable's value, as float32; bfloat16 is widened exactly.

        Raises:
          SpotError: there is no such variable, it holds no numbers, or its data is damaged.
        """
        if name not in self.variables:
            raise SpotError(
                f"The checkpoint {self.prefix} has no variable {name}. "
                "Give the folder of a T5 1.1 checkpoint."
            )
        return self._numbers(name, self.variables[name])

    def read_slot(self, name: str) -> npt.NDArray[np.float32]:
        """One of `slots`, as float32.

        Raises:
          SpotError: it holds no numbers, or its data is damaged.
        """
        return self._numbers(name, self.slots[name])

    @property
    def updates(self) -> int:
        """Updates that the optimizer has done: the counter's, else the step in the file's name.

        Raises:
          SpotError: the counter is damaged.
        """
        if self._counter is None:
            return self.step
        # Looked at before it is read: reading takes the memory that the index says it needs.
        whole = self._counter.dtype in ("int32", "int64") and self._counter.shape in ((), (1,))
        count = int(self._value(STEP).item()) if whole else -1
        if not 0 <= count < 2**53:
            raise SpotError(
                f"The counter {STEP} of {self.prefix} is damaged. Copy the checkpoint again."
            )
        return count

    def _numbers(self, name: str, stored: Variable) -> npt.NDArray[np.float32]:
        weights.check_type(stored.dtype, name, self.prefix)
        return np.asarray(self._value(name), dtype=np.float32)

    def _value(self, name: str) -> npt.NDArray[Any]:
        try:
            # A scalar comes as a number of NumPy's, a text as Python's.
            return np.asarray(self._reader.get_tensor(name))
        except (tf.errors.OpError, RuntimeError, LookupError, ValueError) as error:
            # The reader turns TensorFlow's codes into these, a short file into IndexError.
            raise SpotError(
                f"The variable {name} of {self.prefix} cannot be read: {_reason(error)}. "
                "The checkpoint is damaged or incomplete: copy it again."
            ) from error


def _check_files(folder: str, start: str) -> None:
    """Refuses a local checkpoint with a file that is not regular: opening a pipe never ends.

    Raises:
      SpotError: a file of the checkpoint is not regular or cannot be opened.
    """
    if files.is_remote(folder):
        return
    for name in files.list_names(folder):
        if name.startswith(start):
            try:
                open_regular(posixpath.join(folder, name)).close()
            except OSError as error:
                raise SpotError(
                    f"The file {posixpath.join(folder, name)} cannot be read: {error.strerror}. "
                    "Copy the checkpoint again, with its .index and all .data files."
                ) from error


def _is_trained(name: str) -> bool:
    return SLOT not in name and name != STEP and not name.startswith("_")


def _reason(error: BaseException) -> str:
    """TensorFlow's message on one line."""
    text = str(getattr(error, "message", None) or error)
    # What failed within a graph follows its node, after what was called to make it.
    _, node, after = text.partition("\nNode: ")
    lines = text.split("\n")
    if node and "\n" in after:
        lines = [after.split("\n")[1].rpartition("; ")[2]]
    return lines[0].rstrip(". ")


def _latest_step(folder: str) -> int:
    """The step in the folder's ``checkpoint`` file, else the highest one there is."""
    try:
        names = tf.io.gfile.listdir(folder)
    except (tf.errors.OpError, OSError) as error:
        raise SpotError(
            f"The model folder {folder} cannot be opened: {_reason(error)}. "
            "Give a folder with a Mesh TensorFlow checkpoint (model.ckpt-STEP.*)."
        ) from error
    index_name = re.compile(re.escape(_PREFIX) + r"([0-9]{1,18})\.index/?$")
    steps = {int(m[1]) for name in names if (m := index_name.match(name))}
    if "checkpoint" in names:
        text = files.read_bytes(posixpath.join(folder, "checkpoint"), _MAX_TEXT).decode(
            errors="replace"
        )
        named = re.search(rf'model_checkpoint_path:[^\n]*{_PREFIX}([0-9]{{1,18}})"', text)
        # The file may name a step that was since removed, or that was never copied along.
        if named and int(named[1]) in steps:
            return int(named[1])
    if not steps:
        hint = (
            " It is a Hugging Face folder: turn it into one with `spotfw models convert`, or use "
            "the engine on PyTorch, which reads it as it is (`pip install '.[torch]' "
            "./plugins/spotfw-torch`, then --backend torch)."
            if "config.json" in names
            else ""
        )
        raise SpotError(
            f"The folder {folder} holds no checkpoint: no {_PREFIX}STEP.index.{hint} "
            "Give a folder with a Mesh TensorFlow checkpoint."
        )
    return max(steps)


def fingerprint(checkpoint: Checkpoint | str) -> str:
    """The fingerprint of a checkpoint's trained variables; see `weights.fingerprint`."""
    opened = Checkpoint(checkpoint) if isinstance(checkpoint, str) else checkpoint
    stored = {canonical(name): name for name in opened.variables}
    shapes = {name: opened.variables[stored[name]].shape for name in stored}
    return weights.fingerprint(shapes, lambda name: opened.read(stored[name]))


def write_checkpoint(
    folder: str,
    step: int,
    tensors: Iterable[tuple[str, npt.NDArray[Any]]],
    shard_bytes: int = SHARD_BYTES,
) -> str:
    """Writes ``model.ckpt-STEP`` from tensors as they come, in bounded memory.

    Shards go to a temporary folder inside `folder`, and are merged under the final name once
    all are there; the ``checkpoint`` file comes last. A failed write leaves no ``.index``, so that
    what it left is not read as a checkpoint.

    Args:
      folder: local or ``gs://``; made if needed.
      step: of the training; 0 for a converted model.
      tensors: (name, array) pairs, consumed once; float32 or bfloat16, and the int64 counter.
      shard_bytes: memory for tensors waiting to be written.

    Returns:
      The prefix written, ``FOLDER/model.ckpt-STEP``.

    Raises:
      SpotError: the disk is full or the folder cannot be written.
    """
    prefix = posixpath.join(folder, f"{_PREFIX}{step}")
    partial = posixpath.join(folder, f"{_PREFIX}{step}.partial")
    shards: list[str] = []
    try:
        tf.io.gfile.makedirs(partial)
        for shard in _shards(tensors, shard_bytes):
            shards.append(posixpath.join(partial, f"shard-{len(shards):05d}"))
            _save(shards[-1], shard)
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(
                tf.raw_ops.MergeV2Checkpoints(
                    checkpoint_prefixes=shards, destination_prefix=prefix, delete_old_dirs=True
                )
            )
        named = posixpath.join(folder, "checkpoint")
        with tf.io.gfile.GFile(f"{named}.partial", "w") as file:
            base = posixpath.basename(prefix)
            file.write(f'model_checkpoint_path: "{base}"\nall_model_checkpoint_paths: "{base}"\n')
        tf.io.gfile.rename(f"{named}.partial", named, overwrite=True)
    except (tf.errors.OpError, OSError) as error:
        raise SpotError(
            f"The checkpoint {prefix} cannot be written: {_reason(error)}. "
            "Free disk space or give another folder, then run it again."
        ) from error
    finally:
        if tf.io.gfile.exists(partial):
            tf.io.gfile.rmtree(partial)
    return prefix


def _shards(
    tensors: Iterable[tuple[str, npt.NDArray[Any]]], shard_bytes: int
) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """Groups tensors to shards of at least `shard_bytes`, the last one excepted."""
    shard: dict[str, npt.NDArray[Any]] = {}
    for name, value in tensors:
        shard[name] = value
        if sum(array.nbytes for array in shard.values()) >= shard_bytes:
            yield shard
            shard = {}
    if shard:
        yield shard


def _save(prefix: str, shard: Mapping[str, npt.NDArray[Any]]) -> None:
    # A graph of its own, so that it works whether or not the caller runs eagerly.
    with tf.Graph().as_default(), tf.Session() as session:
        values = [tf.placeholder(array.dtype, array.shape) for array in shard.values()]
        save = tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=list(shard),
            shape_and_slices=[""] * len(shard),
            tensors=values,
        )
        session.run(save, dict(zip(values, shard.values(), strict=True)))
