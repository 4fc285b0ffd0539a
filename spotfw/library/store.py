"""The files of a library: prompts named by the hash of their bytes, never overwritten."""

from __future__ import annotations

import hashlib

import attrs

from spotfw import files
from spotfw.errors import SpotError
from spotfw.prompts import SoftPrompt, pack_prompt, unpack_prompt

SUFFIX = ".safetensors"
#: Hexadecimal digits of an id, the first of its file's SHA-256.
ID_LENGTH = 16


@attrs.frozen
class Store:
    """The prompt files of a folder, local or ``gs://``."""

    folder: str

    def path(self, id: str) -> str:
        """Where the file of an id stands."""
        return files.join(self.folder, id + SUFFIX)

    def ids(self) -> list[str]:
        """The ids of all files, sorted."""
        names = files.list_names(self.folder)
        return [n.removesuffix(SUFFIX) for n in names if n.endswith(SUFFIX)]

    def write(self, prompt: SoftPrompt) -> tuple[str, bool]:
        """Writes a prompt's file; its id, and whether the file is new.

        Raises:
          SpotError: the folder cannot be written, or such a file is there and damaged.
        """
        data = pack_prompt(prompt)
        id = hashlib.sha256(data).hexdigest()[:ID_LENGTH]
        if files.exists(self.path(id)):
            self.read(id)  # a damaged file must not be hidden by adding it again
            return id, False
        # Listing the folder for each would make filling it quadratic; see `Library.sweep`.
        files.write_atomically(self.path(id), data, tidy=False)
        return id, True

    def read_bytes(self, id: str) -> bytes:
        """The bytes of a file, checked against its name, which is their hash.

        Raises:
          SpotError: they do not match, or the file is absent.
        """
        path = self.path(id)
        if "/" in id or "\\" in id:
            # A file of a library names another by its id, and may be anyone's.
            raise SpotError(
                f"{id!r:.80} is not an id of a prompt in {self.folder}. "
                "Remove the file that names it."
            )
        data = files.read_bytes(path)
        if hashlib.sha256(data).hexdigest()[:ID_LENGTH] != id:
            raise SpotError(
                f"The library's file {path} is not what was added: its content does not match "
                f"its name. Remove it (`spotfw library remove {id}`) and add the prompt again."
            )
        return data

    def read(self, id: str) -> SoftPrompt:
        """The prompt of a file.

        Raises:
          SpotError: the file is absent, damaged or no prompt.
        """
        return unpack_prompt(self.read_bytes(id), self.path(id))

    def read_if_there(self, id: str) -> SoftPrompt | None:
        """What `read` gives, None where the file was removed since it was listed."""
        try:
            return self.read(id)
        except SpotError:
            if files.exists(self.path(id)):
                raise
            return None

    def read_if_sound(self, id: str) -> SoftPrompt | None:
        """What `read` gives, None where the file is damaged or not there."""
        try:
            return self.read(id)
        except SpotError:
            return None
