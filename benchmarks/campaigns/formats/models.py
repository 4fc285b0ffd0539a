"""Model folders of strangers: Hugging Face's and Mesh TensorFlow's, gin text, vocabularies."""

from __future__ import annotations

import importlib.util
import json
import shutil
import struct
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.campaigns import mutate
from benchmarks.campaigns.commands import cli
from benchmarks.campaigns.verdict import Format, Shown, WrongValue

#: What a stranger's gin text may try.
_GIN = (
    "from __gin__ import dynamic_registration",
    "import canary_code",
    "from canary_code import x",
    "import os.path as transformer",
    "include '../outside/secret.txt'",
    "include '/etc/passwd'",
    "utils.run.x = @canary_code.f()",
    "make_layer_stack.layers = @utils.run()",
    "make_layer_stack.layers = [@utils.run()]",
    "transformer.make_layer_stack.layers = @os.system()",
    "a/b/c/d.e.f.g = 1",
    "d_model = %d_model",
    "d_model = 99999999999999999999",
    "num_layers = 1000000000",
    "d_model = -1",
    "d_model = '" + "x" * 100_000 + "'",
    "d_model = " + "[" * 300 + "]" * 300,
    "d_model = " + "[" * 50_000 + "]" * 50_000,
    "d_model = " + "9" * 5000,
    "d_model = 1e999",
    "d_model = (1",
    "d_model = {'a': @canary_code()}",
    "d_model = (lambda: 1)()",
    "d_model = __import__('canary_code')",
    "d_model = '\\x1b[31m'",
    "\x1b[31m = 1",
    "singleton.constructor = @canary_code",
    "m/gin.singleton.constructor = @utils.run",
    "gin.constant = 1",
    "macro = @gin.macro()",
    "transformer.Unitransformer.d_model = %gin.REQUIRED",
    "dynamic_registration = 1",
    "=",
    "\\",
    "'''",
    "\t x = 1",
    "DenseReluDense:\n  hidden_size = 1\n",
    "nothing:\n",
)


def _mesh(folder: Path) -> Path:
    from spotfw.testing.tiny_model import write_tiny_model

    return write_tiny_model(folder / "model")


def _place(case: Path, sound: Path) -> None:
    shutil.copytree(sound, case / "model")


def _hf(folder: Path) -> Path:
    from spotfw.backends.mesh.folders.convert import convert

    _mesh(folder)
    convert(str(folder / "model"), str(folder / "hf"))
    return folder / "hf"


def _config(random: Random, case: Path, sound: Path) -> str:
    path = case / "model" / "config.json"
    data = path.read_bytes()
    if random.random() < 0.15:
        return mutate.pick(random, path, data)
    if random.random() < 0.35:
        config = json.loads(data)
        key = random.choice([key for key, v in config.items() if type(v) is int])
        config[key] = random.choice((10**9, 10**6, 2**63, 10**30, 0, -1, 2.5, True, "7", 10**400))
        path.write_text(json.dumps(config))
        return f"{key} = {config[key]!r:.40}"
    text, what = mutate.json_text(random, json.loads(data))
    path.write_bytes(text)
    return what


def _show(case: Path, _: Any) -> Shown:
    shown = cli("models", "show", case / "model")
    if shown.status == 0:
        json.loads(cli("models", "show", case / "model", "--json").out)
    return shown


def _convert(case: Path, _: Any) -> Shown:
    """Both, and what was made must be read by the other way of reading it."""
    shown = _show(case, _)
    if shown.status == 0:
        made = cli("models", "convert", case / "model", case / "made")
        if made.status and (case / "made").exists():
            raise WrongValue("a conversion that was refused left a folder")
        return Shown(made.status, shown.out + made.out, shown.err + made.err)
    return shown


def _weights(random: Random, case: Path, sound: Path) -> str:
    path = case / "model" / "model.safetensors"
    data = path.read_bytes()
    act = random.random()
    if act < 0.45:
        size = int.from_bytes(data[:8], "little")
        new, what = mutate.json_text(random, json.loads(data[8 : 8 + size]))
        new += b" " * (-len(new) % 8)
        path.write_bytes(struct.pack("<Q", len(new)) + new + data[8 + size :])
        return f"header: {what}"
    if act < 0.7:
        size = int.from_bytes(data[:8], "little")
        names = [n for n in json.loads(data[8 : 8 + size]) if n != "__metadata__"]
        index = {"metadata": {}, "weight_map": dict.fromkeys(names, "model.safetensors")}
        text, what = mutate.json_text(random, index)
        if random.random() < 0.3:
            index["weight_map"][names[0]] = random.choice(mutate.TEXTS[:12])
            text, what = json.dumps(index).encode(), "another file of a tensor"
        (case / "model" / "model.safetensors.index.json").write_bytes(text)
        return f"index: {what}"
    return mutate.pick(random, path, data)


def _either(random: Random, case: Path, sound: Path) -> str:
    return (_config if random.random() < 0.5 else _weights)(random, case, sound)


def _take_torch(case: Path, _: Any) -> None:
    """The folder as the engine on PyTorch opens it, which converts nothing."""
    from spotfw.config import TuningSettings
    from spotfw_torch.backend import open_model

    opened = open_model(str(case / "model"), threads=1)
    opened.predict(None, ["the film was good"], TuningSettings(max_target_length=4))


def _checkpoint(random: Random, case: Path, sound: Path) -> str:
    names = sorted(p.name for p in sound.iterdir() if "ckpt" in p.name or p.name == "checkpoint")
    name = random.choice(names)
    path = case / "model" / name
    if name == "checkpoint" and random.random() < 0.6:
        target = random.choice(
            (
                "model.ckpt-999",
                "../../outside/model.ckpt-1000",
                "model.ckpt-" + "9" * 5000,
                "model.ckpt-\u0661\u0662",
                "\x1b[31mmodel.ckpt-1",
                "x" * 10**6,
            )
        )
        path.write_text(f'model_checkpoint_path: "{target}"\n')
        return f"checkpoint names {target[:30]!r}"
    if random.random() < 0.1:
        stray = random.choice(("model.ckpt-" + "9" * 200 + ".index", "model.ckpt-1001.index"))
        (case / "model" / stray).write_bytes(b"")
        (case / "model" / "checkpoint").unlink()
        return f"a stray {stray[:30]}"
    return mutate.pick(random, path, path.read_bytes())


def _gin(random: Random, case: Path, sound: Path) -> str:
    path = case / "model" / "operative_config.gin"
    text = path.read_text()
    act = random.random()
    if act < 0.4:
        lines = text.splitlines()
        put = random.choice(_GIN)
        lines.insert(random.choice((0, random.randrange(len(lines)), len(lines))), put)
        path.write_bytes("\n".join(lines).encode())
        return f"with {put[:50]!r}"
    if act < 0.75:
        data, what = mutate.toml_text(random, text)
        path.write_bytes(data)
        return what
    return mutate.pick(random, path, path.read_bytes())


def _take_gin(case: Path, _: Any) -> None:
    """The model's text as the engine reads it, up to the model itself."""
    from spotfw.backends.mesh import model

    if hasattr(model, "read_gin"):
        text = model.read_gin(str(case / "model"))
    else:  # 0.1.0
        text = (case / "model" / "operative_config.gin").read_text()
    with model.building(text):
        pass


def _vocabulary(random: Random, case: Path, sound: Path) -> str:
    path = case / "model" / "spiece.model"
    return mutate.pick(random, path, path.read_bytes())


def _take_vocabulary(case: Path, _: Any) -> Shown:
    from spotfw.backends.mesh.folders.vocabulary import open_vocabulary

    shown = cli("models", "show", case / "model")
    vocabulary = open_vocabulary(str(case / "model"), 128)
    vocabulary.decode(vocabulary.encode("the film was good"))
    return shown


def _tokenizer_file(folder: Path) -> Path:
    from benchmarks.tokenizer_file import write_tokenizer

    return write_tokenizer(_mesh(folder) / "spiece.model", folder)


def _place_file(case: Path, sound: Path) -> None:
    shutil.copy(sound, case)


def _tokenizer(random: Random, case: Path, sound: Path) -> str:
    path, data = case / sound.name, sound.read_bytes()
    if random.random() < 0.3:
        return mutate.pick(random, path, data)
    text, what = mutate.json_text(random, json.loads(data))
    path.write_bytes(text)
    return what


def _take_tokenizer(case: Path, sound: Path) -> None:
    from spotfw.backends.vocabulary import open_vocabulary

    vocabulary = open_vocabulary(str(case), 256, str(case / sound.name))
    for text in ("the film was good", "\u00e4 \ufb01 <extra_id_0> \U0001f642", ""):
        vocabulary.decode(vocabulary.encode(text))
    vocabulary.decode(range(2, 300))
    for ids in vocabulary.encode_all(["the film", "was good"]):
        vocabulary.decode(ids)


FORMATS = (
    Format(
        name="config.json",
        prepare=_hf,
        place=_place,
        change=_config,
        take=_convert,
        seconds=20.0,
        megabytes=500,
        share=0.7,
    ),
    Format(
        name="weights",
        prepare=_hf,
        place=_place,
        change=_weights,
        take=_show,
        seconds=20.0,
        megabytes=500,
    ),
    *(
        Format(
            name="folder, PyTorch",
            prepare=_hf,
            place=_place,
            change=_either,
            take=_take_torch,
            seconds=20.0,
            megabytes=500,
        )
        for _ in range(importlib.util.find_spec("torch") is not None)
    ),
    Format(
        name="mesh checkpoint",
        prepare=_mesh,
        place=_place,
        change=_checkpoint,
        take=_show,
        seconds=20.0,
        megabytes=500,
    ),
    Format(
        name="gin",
        prepare=_mesh,
        place=_place,
        change=_gin,
        take=_take_gin,
        seconds=20.0,
        megabytes=500,
        share=1.5,
    ),
    Format(
        name="vocabulary",
        prepare=_mesh,
        place=_place,
        change=_vocabulary,
        take=_take_vocabulary,
        seconds=20.0,
        megabytes=500,
        share=0.7,
    ),
    *(
        Format(
            name="tokenizer.json",
            prepare=_tokenizer_file,
            place=_place_file,
            change=_tokenizer,
            take=_take_tokenizer,
            seconds=20.0,
            megabytes=500,
        )
        for _ in range(importlib.util.find_spec("tokenizers") is not None)
    ),
)
