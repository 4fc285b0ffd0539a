"""Reads and writes a Hugging Face model folder, a tensor at a time; nothing is unpickled.

The folder holds ``config.json`` and either ``model.safetensors`` or shards
``model-00001-of-0000N.safetensors`` with ``model.safetensors.index.json``. The safetensors
library writes only from a dictionary of all tensors, so the (simple) file format is written
here: 8 bytes header length, a JSON header, the tensors' bytes.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np
import numpy.typing as npt
import safetensors

from spotfw.backends.mesh.folders.weights import check_finite
from spotfw.errors import SpotError
from spotfw.reading import MOST_JSON, Unreadable, open_regular, parse_json, read_regular
from spotfw.tasks.sentencepiece_model import check_model

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
#: Bytes read at most of a header of safetensors (T5 XXL's has 60,000), and of a vocabulary.
MAX_HEADER, MAX_VOCABULARY = 16 * 2**20, 64 * 2**20
#: Hugging Face's size of a shard.
SHARD_BYTES = 5 * 10**9

#: Element types that float32 holds exactly, by safetensors' names.
_EXACT = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
_WRITTEN: dict[str, tuple[str, npt.DTypeLike]] = {
    "float32": ("F32", np.float32),
    "bfloat16": ("BF16", ml_dtypes.bfloat16),
}


class HFTensors:
    """The tensors of a Hugging Face folder, opened for reading.

    Attributes:
      folder: where they are.
      shapes: by name.
      dtypes: as stored, by name: float32, bfloat16 or float16.
      paths: of the file that each is in, by name.
    """

    def __init__(self, folder: Path) -> None:
        """Opens the files; tensors are read one at a time by `read`.

        Raises:
          SpotError: there are no safetensors, or a shard is missing or damaged.
        """
        self.folder = folder
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, str] = {}
        self.paths: dict[str, Path] = {}
        self._files: dict[str, Any] = {}
        for path in _weight_files(folder):
            try:
                _check_header(path)
                file: Any = safetensors.safe_open(str(path), framework="numpy")
                for name in file.keys():  # noqa: SIM118 - not a mapping
                    part = file.get_slice(name)
                    if part.get_dtype() not in _EXACT:
                        raise SpotError(
                            f"The tensor {name} in {path} has type {part.get_dtype()}; only "
                            "float32, bfloat16 and float16 weights can be converted exactly. "
                            "Give the model in one of these types."
                        )
                    self.shapes[name] = tuple(part.get_shape())
                    self.dtypes[name] = _EXACT[part.get_dtype()]
                    self.paths[name] = path
                    self._files[name] = file
            except (safetensors.SafetensorError, OSError, MemoryError) as error:
                # MemoryError: the file is longer than what can be mapped.
                why = getattr(error, "strerror", None) or error
                raise SpotError(
                    f"The file {path} cannot be read: {why}. It may be half downloaded or "
                    "a Git LFS pointer: download it again."
                ) from error

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """A tensor as float32; 16-bit types are widened exactly.

        Raises:
          SpotError: it holds values that are NaN or infinite.
        """
        value = np.asarray(self._files[name].get_tensor(name), dtype=np.float32)
        check_finite(value, name, str(self.folder))
        return value


def _check_header(path: Path) -> None:
    """Refuses a file that is not regular, or whose header is longer than any model's.

    Raises:
      OSError: the file is refused or cannot be read.
    """
    with open_regular(path) as file:
        size = int.from_bytes(file.read(8), "little")
    if size == 0:
        raise Unreadable("it has no header, as a file of zeros")
    if size > MAX_HEADER:
        raise Unreadable(
            f"its header has {size:,} bytes, more than the {MAX_HEADER:,} that are read"
        )


def _weight_files(folder: Path) -> list[Path]:
    # As transformers: one whole file goes before an index, which may be left over.
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if (folder / INDEX).exists():
        index = read_json(folder / INDEX)
        try:
            files = [folder / Path(name).name for name in sorted({*index["weight_map"].values()})]
        except (KeyError, AttributeError, TypeError) as error:
            raise SpotError(
                f"The index {folder / INDEX} has no weight_map: download it again."
            ) from error
        absent = [file.name for file in files if not _exists(file)]
        if absent:
            raise SpotError(
                f"The model in {folder} is incomplete: {', '.join(absent[:3])} named by {INDEX} "
                f"{'is' if len(absent) == 1 else 'are'} not there. Download the missing files."
            )
        return files
    if any(folder.glob("pytorch_model*.bin")):
        raise SpotError(
            f"The model in {folder} has its weights only as pytorch_model.bin, a pickle, which "
            "can run code when opened, so it is refused. Where you trust it, write it as "
            f'safetensors first: python -c "from transformers import T5ForConditionalGeneration '
            f"as T; T.from_pretrained('{folder}').save_pretrained('{folder}-safetensors')\", and "
            f"copy {folder}/spiece.model there."
        )
    raise SpotError(
        f"The folder {folder} has no weights: neither {WEIGHTS} nor {INDEX}. "
        "Give the folder of a Hugging Face T5 1.1."
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name of any length
        return False


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
      SpotError: the file cannot be read or holds no object.
    """
    try:
        value = parse_json(read_regular(path, MOST_JSON))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SpotError(f"The file {path} cannot be read: {why}. Download it again.") from error
    if not isinstance(value, dict):
        raise SpotError(f"The file {path} does not hold a JSON object. Download it again.")
    return value


def write_tensors(
    folder: Path,
    shapes: Mapping[str, tuple[int, ...]],
    tensors: Iterable[tuple[str, npt.NDArray[Any]]],
    dtype: str = "float32",
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Writes safetensors as the tensors come, one in memory at a time.

    Args:
      folder: existing; the caller makes it appear whole.
      shapes: of all tensors, in the order in which they come.
      tensors: (name, array) pairs, consumed once.
      dtype: ``float32``, or ``bfloat16`` (rounded to nearest).
      shard_bytes: a larger model is split over files of at most this size and an index.

    Raises:
      SpotError: the disk is full or the folder cannot be written.
    """
    code, numpy_type = _WRITTEN[dtype]
    size = {
        name: math.prod(shape) * np.dtype(numpy_type).itemsize for name, shape in shapes.items()
    }
    shards: list[list[str]] = [[]]
    for name in shapes:
        if shards[-1] and sum(size[n] for n in shards[-1]) + size[name] > shard_bytes:
            shards.append([])
        shards[-1].append(name)
    count = len(shards)
    files = (
        [WEIGHTS]
        if count == 1
        else [f"model-{i + 1:05d}-of-{count:05d}.safetensors" for i in range(count)]
    )
    coming = iter(tensors)
    try:
        for file, names in zip(files, shards, strict=True):
            with (folder / file).open("wb") as out:
                _write_header(out, names, shapes, size, code)
                for name in names:
                    given, value = next(coming)
                    if given != name or value.shape != tuple(shapes[name]):
                        raise ValueError(f"{given} {value.shape} came, not {name} {shapes[name]}")
                    out.write(np.ascontiguousarray(value, dtype=numpy_type).view(np.uint8).data)
        if count > 1:
            weight_map = {name: f for f, names in zip(files, shards, strict=True) for name in names}
            index = {"metadata": {"total_size": sum(size.values())}, "weight_map": weight_map}
            (folder / INDEX).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")
    except OSError as error:
        raise SpotError(
            f"The weights cannot be written to {folder}: {error.strerror or error}. Free disk "
            "space or give another folder, then run it again; nothing is left there."
        ) from error


def _write_header(
    out: BinaryIO,
    names: Iterable[str],
    shapes: Mapping[str, tuple[int, ...]],
    size: Mapping[str, int],
    code: str,
) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name in names:
        header[name] = {
            "dtype": code,
            "shape": list(shapes[name]),
            "data_offsets": [offset, offset + size[name]],
        }
        offset += size[name]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the data starts on a multiple of 8
    out.write(len(text).to_bytes(8, "little") + text)


def pieces(vocabulary: Path) -> int:
    """Number of pieces of a sentencepiece model.

    Raises:
      SpotError: the file is no sentencepiece model.
    """
    import sentencepiece

    with contextlib.suppress(RuntimeError, OSError, ValueError):
        model = read_regular(vocabulary, MAX_VOCABULARY)
        check_model(model)
        return int(sentencepiece.SentencePieceProcessor(model_proto=model).get_piece_size())
    raise SpotError(
        f"The vocabulary {vocabulary} is not a sentencepiece model. "
        "Give the spiece.model that the model was trained with."
    )
