"""Prompts from elsewhere: our own file, NumPy's, and the folder of a PEFT adapter."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.campaigns import mutate
from benchmarks.campaigns.commands import cli
from benchmarks.campaigns.verdict import Format, Shown, WrongValue

_ARRAY = np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)


def _prompt_bytes() -> bytes:
    from spotfw.prompts import Provenance, SoftPrompt, pack_prompt

    origin = Provenance(
        task="reviews",
        family="sentiment",
        labels=("negative", "positive"),
        model="tiny",
        fingerprint="0123456789abcdef",
        seed=1,
        step=20,
        score=81.5,
        metrics={"accuracy": 81.5},
        settings={"steps": 20, "learning_rate": 0.3},
        started_from="sampled_vocab",
        versions={"spotfw": "0.1.0"},
        created="2024-05-01T10:00:00+00:00",
    )
    return pack_prompt(SoftPrompt(_ARRAY, origin))


def header_changed(random: Random, data: bytes) -> tuple[bytes, str]:
    """A safetensors file whose header's JSON was changed, its length made to fit."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    inner = header.get("__metadata__", {}).get("provenance")
    if inner is not None and random.random() < 0.6:
        text, what = mutate.json_text(random, json.loads(inner))
        header["__metadata__"]["provenance"] = text.decode("utf-8", "surrogatepass")
        new = json.dumps(header).encode("utf-8", "surrogatepass")
        what = f"provenance: {what}"
    else:
        new, what = mutate.json_text(random, header)
    new += b" " * (-len(new) % 8)
    return struct.pack("<Q", len(new)) + new + data[8 + size :], what


def _safetensors(random: Random, path: Path, data: bytes) -> str:
    if random.random() < 0.5:
        changed, what = header_changed(random, data)
        path.write_bytes(changed)
        return what
    return mutate.pick(random, path, data)


def _take_file(name: str) -> Any:
    def take(case: Path, _: Any) -> Shown:
        library = case / "library"
        shown = cli("library", "import", case / name, "--library", library, "--json")
        if shown.status == 0:
            _check(json.loads(shown.out), library, _theirs(case / name))
            listed = cli("library", "list", "--library", library)
            entry = cli("library", "show", json.loads(shown.out)[0]["id"], "--library", library)
            return Shown(
                max(listed.status, entry.status),
                listed.out + entry.out,
                shown.err + listed.err + entry.err,
            )
        return shown

    return take


def _theirs(path: Path) -> Any:
    """What another reader makes of the file: safetensors' own, or NumPy."""
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    import safetensors.numpy

    if path.is_dir():
        tensors = safetensors.numpy.load_file(path / "adapter_model.safetensors")
        tokens = json.loads((path / "adapter_config.json").read_text())["num_virtual_tokens"]
        return tensors["prompt_embeddings"][:tokens]
    return safetensors.numpy.load_file(path)["prompt"]


def _check(listed: Any, library: Path, theirs: Any) -> None:
    from spotfw.library import Library

    (entry,) = listed
    ours = Library(str(library)).best(entry["id"]).array
    with np.errstate(all="ignore"):
        same = ours.shape == theirs.shape and np.array_equal(ours, theirs.astype(np.float32))
    if not same or not np.isfinite(ours).all():
        raise WrongValue("a prompt of other numbers than another reader finds")


def _npy_changed(random: Random, path: Path, data: bytes) -> str:
    if random.random() < 0.4:
        header = random.choice(
            (
                "{'descr': '|O', 'fortran_order': False, 'shape': (6, 16), }",
                "{'descr': '<f4', 'fortran_order': True, 'shape': (6, 16), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1000000000000), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 16), }",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 16), }",
                "{'descr': '>f8', 'fortran_order': False, 'shape': (3, 16), }",
                "{'descr': '<U1000000000', 'fortran_order': False, 'shape': (1,), }",
                "{'descr': [('a', '<f4'), ('b', '|O')], 'fortran_order': False, 'shape': (6,), }",
                "{'descr': '<c8', 'fortran_order': False, 'shape': (3, 16), }",
                "{'descr': '<f4', 'shape': (6, 16), }",
                "__import__('canary_code')",
                "{" * 9000,
                "(" * 900 + ")" * 900,
                "9" * 5000,
            )
        )
        text = header.encode().ljust(118) + b"\n"
        path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data[128:])
        return f"header {header[:60]}"
    return mutate.pick(random, path, data)


def _adapter(folder: Path) -> dict[str, bytes]:
    from spotfw.prompts import unpack_prompt, write_peft

    write_peft(unpack_prompt(_prompt_bytes()), folder / "peft")
    return {path.name: path.read_bytes() for path in (folder / "peft").iterdir()}


def _place_adapter(case: Path, sound: dict[str, bytes]) -> None:
    (case / "mine").mkdir()
    for name, data in sound.items():
        (case / "mine" / name).write_bytes(data)


def _adapter_changed(random: Random, case: Path, sound: dict[str, bytes]) -> str:
    name = random.choice(("adapter_config.json", "adapter_config.json", *sound))
    path = case / "mine" / name
    if name.endswith(".json") and random.random() < 0.8:
        text, what = mutate.json_text(random, json.loads(sound[name]))
        path.write_bytes(text)
        return f"{name}: {what}"
    if name.endswith(".safetensors"):
        return _safetensors(random, path, sound[name])
    return mutate.pick(random, path, sound[name])


def _npy_bytes(folder: Path) -> bytes:
    np.save(folder / "a.npy", _ARRAY)
    return (folder / "a.npy").read_bytes()


FORMATS = (
    Format(
        name="prompt file",
        prepare=lambda _: _prompt_bytes(),
        place=lambda case, data: _write(case / "p.safetensors", data),
        change=lambda random, case, data: _safetensors(random, case / "p.safetensors", data),
        take=_take_file("p.safetensors"),
        share=1.5,
    ),
    Format(
        name="npy",
        prepare=_npy_bytes,
        place=lambda case, data: _write(case / "p.npy", data),
        change=lambda random, case, data: _npy_changed(random, case / "p.npy", data),
        take=_take_file("p.npy"),
    ),
    Format(
        name="peft folder",
        prepare=_adapter,
        place=_place_adapter,
        change=_adapter_changed,
        take=_take_file("mine"),
    ),
)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
