"""Models that a distribution brings in Hugging Face's layout, unpacked once for this engine.

They are kept small in their wheels (bfloat16) and turned into a Mesh TF checkpoint in the
user's cache when first used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from pathlib import Path

from spotfw import files
from spotfw.errors import SpotError

#: A checkpoint folder that stands is whole: it is renamed into place when all is written.
_WHOLE = "checkpoint"
#: Bytes of each of its files, so that one which was cut since is made again.
_SIZES = "sizes.json"


def unpacked_model(name: str, packed: Path) -> str:
    """The Mesh TF folder of a packed model, made when first asked for.

    The cache is ``$XDG_CACHE_HOME/spotfw`` (else ``~/.cache/spotfw``). The folder's name has the
    digest of the weights, so that another version of the distribution never uses an old conversion.
    Several processes may ask at once: each makes a folder of its own next to the final place, and
    the first complete one is moved there.

    Args:
      name: of the model, the beginning of the folder's name.
      packed: a Hugging Face folder of a T5 1.1.

    Raises:
      SpotError: the packed weights are not there or damaged, or the cache cannot be written.
    """
    weights = packed / "model.safetensors"
    if not weights.is_file():
        raise SpotError(
            f"The weights of the model {name} are not in {packed}. Install its distribution, "
            f"spotfw-{name}, again."
        )
    folder = files.user_cache() / f"{name}-{_digest(weights)}"
    if not _is_whole(folder):
        from spotfw.backends.mesh.folders.convert import hf_to_mesh

        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            if folder.is_dir():  # never left so by this function: cut, or emptied by hand
                shutil.rmtree(folder)
            # As packed: what is 16 bits wide stays so on the disk, and is widened exactly.
            hf_to_mesh(str(packed), str(folder), "bfloat16")
            files.write_atomically(folder / _SIZES, json.dumps(_sizes(folder)).encode())
        except (SpotError, OSError) as error:
            if _is_whole(folder):  # another process has made it meanwhile
                return str(folder)
            what = error if isinstance(error, SpotError) else f"{error.strerror}."
            raise SpotError(
                f"The model {name} cannot be unpacked to {folder}: {what} The variable "
                "XDG_CACHE_HOME may name another folder for the cache."
            ) from error
    return str(folder)


def _is_whole(folder: Path) -> bool:
    """Whether a folder is there with all its files as long as when they were written."""
    if not (folder / _WHOLE).exists():
        return False
    with contextlib.suppress(OSError, ValueError):
        written = json.loads((folder / _SIZES).read_bytes())
        return bool(written == _sizes(folder))
    return True  # made by a version that did not note sizes, or stopped before it did


def _sizes(folder: Path) -> dict[str, int]:
    names = (path for path in folder.iterdir() if path.name != _SIZES)
    return {path.name: path.stat().st_size for path in names}


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()[:12]
