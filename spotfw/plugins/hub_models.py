"""Frozen models of the Hugging Face hub, named as there: ``google/t5-base-lm-adapt``."""

from __future__ import annotations

import os
import re
from collections.abc import Collection

from spotfw.errors import SpotError, WrongUse
from spotfw.library import hub

#: What of a repository makes a model's folder; pickles are never fetched.
_WANTED = re.compile(
    r"config\.json|tokenizer\.json|tokenizer_config\.json|added_tokens\.json"
    r"|special_tokens_map\.json|generation_config\.json"
    r"|[A-Za-z0-9._-]+\.model|model\.safetensors|model\.safetensors\.index\.json"
    r"|model-\d{5}-of-\d{5}\.safetensors"
)
_PATTERNS = ("*.json", "*.model", "model*.safetensors")

#: Bytes of a file without weights at most.
_MOST_SMALL = 64 * 2**20


def is_hub_model(model: str) -> bool:
    """Whether `model` can only be a repository's name: no such folder is here."""
    if hub.is_hub_name(model):
        return True
    if "://" in model or model.count("/") != 1 or os.path.exists(model):
        return False
    try:
        hub.hub_place(model)
    except WrongUse:  # ../folder, ./folder and the like
        return False
    return True


def hub_model(model: str) -> str:
    """The folder of a model of the hub, in the hub's cache; fetched if needed.

    Args:
      model: ``user/name`` or ``user/name@revision``, with or without ``hf://``.

    Raises:
      SpotError: there is neither such a folder nor such a repository, the hub cannot be reached,
        or the repository has no weights that are read.
    """
    place = hub.hub_place(model)
    try:
        sizes = hub.listing(place)
        names = [name for name in sizes if _WANTED.fullmatch(name)]
        _check_weights(place, sizes)
        large = [n for n in names if "safetensors" not in n and (sizes[n] or 0) > _MOST_SMALL]
        if large:
            raise SpotError(
                f"The model {place.short} is not fetched: its {large[0]} has {sizes[large[0]]:,} "
                f"bytes, more than the {_MOST_SMALL:,} that are read of such a file."
            )
        return hub.fetch(place, names)
    except hub.Unreachable as error:
        return hub.cached(place, _PATTERNS, _advised(error, model, place))
    except SpotError as error:
        if not hub.is_hub_name(model):
            error.args = (
                f"There is no model folder {model} here, so it was looked for on the "
                f"Hugging Face hub. {error}",
            )
        raise


def _check_weights(place: hub.HubPlace, names: Collection[str]) -> None:
    if "config.json" not in names:
        raise SpotError(
            f"{place} is no model: it has no config.json. Name the repository of a T5, such as "
            "google/flan-t5-base."
        )
    if any(name.endswith(".safetensors") and _WANTED.fullmatch(name) for name in names):
        return
    pickled = any(name.endswith((".bin", ".msgpack", ".h5")) for name in names)
    raise SpotError(
        f"The model {place.short} has no safetensors"
        + (
            ", only weights in a form that can run code when opened or that is not read here. Its "
            "page on the hub may list a pull request that adds them: name that revision, "
            f"{place.repo}@refs/pr/NUMBER. Or where you trust it, write them yourself: python -c "
            f"\"from transformers import T5ForConditionalGeneration as T; T.from_pretrained('"
            f"{place.repo}').save_pretrained('DIR')\", put its spiece.model into DIR, and name DIR."
            if pickled
            else " and no other weights. Name the repository of a T5, such as google/flan-t5-base."
        )
    )


def _advised(error: hub.Unreachable, model: str, place: hub.HubPlace) -> hub.Unreachable:
    folder = place.repo.partition("/")[2]
    return hub.Unreachable(
        f"There is no model folder {model} here. {error} Where there is a network, `hf download "
        f"{place.repo} --local-dir {folder}` fetches it (config.json, *.safetensors, spiece.model "
        f"or tokenizer.json are enough); copy {folder} here and give --model {folder}."
    )
