"""A Hugging Face T5 1.1 folder, its tensors read as Mesh TensorFlow's variables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from spotfw.backends.mesh.folders import hf_names, weights
from spotfw.backends.mesh.folders.hf_folder import HFTensors, pieces, read_json
from spotfw.backends.mesh.folders.hf_tokenizer import VOCABULARY
from spotfw.backends.mesh.folders.weights import check_variables
from spotfw.errors import SpotError


class HFModel:
    """A folder opened for reading; one tensor at a time is read and transposed.

    Attributes:
      folder: where it is.
      dimensions: of the model.
      shapes: of every trained variable by Mesh TF's name, in Mesh TF's layout.
    """

    def __init__(self, folder: str) -> None:
        """Opens the folder and checks that all tensors are there and fit.

        Raises:
          SpotError: it is not a T5 1.1, is incomplete or damaged, or its vocabulary is
            another model's.
        """
        self.folder = Path(folder)
        config = read_json(self.folder / "config.json")
        self.dimensions = hf_names.dimensions_of_config(config, folder)
        self._table = {v.mesh: v for v in hf_names.variables(self.dimensions)}
        self.shapes = {name: variable.shape for name, variable in self._table.items()}
        self._tensors = HFTensors(self.folder)
        self._names = _stored_names(
            self._tensors,
            list(self._table.values()),
            self.dimensions,
            tied=config.get("tie_word_embeddings", True),
        )
        _check_vocabulary(self.folder / VOCABULARY, self.dimensions)

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """A variable by Mesh TF's name, float32 in its layout; padding rows are zeros."""
        variable = self._table[name]
        value = self._tensors.read(self._names[variable.hf])
        if variable.transposed:
            value = value.T
        if variable.vocabulary_axis is not None:
            padding = [(0, 0)] * value.ndim
            rows = self.dimensions.rows - self.dimensions.vocabulary_size
            padding[variable.vocabulary_axis] = (0, rows)
            value = np.pad(value, padding)
        return value

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the checkpoint that the folder converts to; reads every weight."""
        return weights.fingerprint(self.shapes, self.read)


def _stored_names(
    tensors: HFTensors, table: list[hf_names.Variable], dims: hf_names.T5Dimensions, tied: bool
) -> dict[str, str]:
    """Table name -> stored name; checks that all tensors are there and fit.

    Where no output layer is stored and the model is tied, the embeddings are the output layer.
    """
    names = {name: name for name in tensors.shapes if hf_names.leftover(name) is None}
    copies = [name for name in tensors.shapes if hf_names.leftover(name) == "copy"]
    shared = "shared.weight"
    if shared not in names and copies:
        names[shared] = copies[0]
    if tied and "lm_head.weight" not in names and shared in names:
        names["lm_head.weight"] = names[shared]
    check_variables(
        {variable.hf: variable.hf_shape(dims) for variable in table},
        {name: tensors.shapes[stored] for name, stored in names.items()},
        str(tensors.folder),
    )
    for name in copies:
        if name != names[shared] and not np.array_equal(
            tensors.read(name), tensors.read(names[shared])
        ):
            raise SpotError(
                f"The model in {tensors.folder} has a {name} that differs from {names[shared]}; "
                "T5 has one embedding table for both stacks. This is not a T5 1.1."
            )
    return names


def _check_vocabulary(vocabulary: Path, dims: hf_names.T5Dimensions) -> None:
    if vocabulary.exists() and (count := pieces(vocabulary)) > dims.vocabulary_size:
        raise SpotError(
            f"The vocabulary {vocabulary} has {count} pieces, but the model has embeddings for "
            f"{dims.vocabulary_size} only. Give the spiece.model that belongs to the model."
        )
