"""The study's folder: rows as JSON lines, prompts and arrays in a few files, all atomic."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from benchmarks.english.bundle import Array


class Output:
    """Rows and arrays of a study. Opened again, it goes on where it was.

    Attributes:
      rows: by key (`key_of`).
      prompts: by file and tensor name.
      arrays: what was said row by row, and likelihoods.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.rows: dict[str, dict[str, Any]] = {}
        self.prompts: dict[str, dict[str, Array]] = {}
        self.arrays: dict[str, Any] = {}
        self._unsaved: set[str] = set()
        self._lines = folder / "rows.jsonl"
        if self._lines.exists():
            for line in self._lines.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self.rows[row["key"]] = row
        for path in sorted(folder.glob("*.safetensors")):
            self.prompts[path.stem] = safetensors.numpy.load_file(path)
        if (folder / "arrays.npz").exists():
            with np.load(folder / "arrays.npz") as arrays:
                self.arrays = dict(arrays)

    def add_row(self, key: str, **columns: Any) -> None:
        """Notes a row; on disk when this returns."""
        self.rows[key] = {"key": key, **columns}
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.rows[key]) + "\n")

    def keep(self, file: str, name: str, prompt: Array) -> None:
        """Keeps a prompt for the next `save`."""
        self.prompts.setdefault(file, {})[name] = np.ascontiguousarray(prompt, np.float32)
        self._unsaved.add(file)

    def save(self) -> None:
        """Writes prompts and arrays that are new."""
        for file in sorted(self._unsaved):
            content = safetensors.numpy.save(self.prompts[file])
            self._replace(f"{file}.safetensors", content)
        self._unsaved.clear()
        if self.arrays:
            place = self.folder / "arrays.part"
            with place.open("wb") as stream:
                np.savez_compressed(stream, **self.arrays)
            os.replace(place, self.folder / "arrays.npz")

    def note(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes a JSON file."""
        self._replace(name, json.dumps(content, indent=1).encode())

    def _replace(self, name: str, content: bytes) -> None:
        place = self.folder / f"{name}.part"
        place.write_bytes(content)
        os.replace(place, self.folder / name)
