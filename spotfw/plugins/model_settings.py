"""Settings that suit a model: those that come with its name, or with weights tuned from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from spotfw import files
from spotfw.config import TuningSettings
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins.models import ABOUT, folder_meant, named_model
from spotfw.plugins.plugins import Plugins
from spotfw.reading import MOST_JSON, parse_json

#: Where a folder of tuned weights says them, in its `ABOUT`.
OWN = "own_settings"


def own_settings(model: str, plugins: Plugins) -> Mapping[str, Any]:
    """Tuning settings that suit a model and stand before the paper's; none where it has none.

    A folder of tuned weights has those of the model that the tuning began from. In a bucket it is
    not looked for them.

    Args:
      model: a name, a folder, or the folder of a run that tuned all weights.
      plugins: where named models come from.

    Raises:
      UnknownName: `model` is neither a name nor a folder.
      WrongUse: what the folder says of itself is damaged.
    """
    named = named_model(model, plugins)
    if named is not None:
        return named.settings
    if files.is_remote(model):
        return {}
    about = os.path.join(folder_meant(model), ABOUT)
    return settings_in(about) if os.path.isfile(about) else {}


def settings_in(about: str) -> Mapping[str, Any]:
    """The settings that a folder of tuned weights says suit it; none where it says nothing of them.

    Args:
      about: its file `ABOUT`.

    Raises:
      WrongUse: the file is damaged.
    """
    try:
        said = parse_json(files.read_bytes(about, MOST_JSON))
        if not isinstance(said, dict):
            raise ValueError("it is no table")
        settings = said.get(OWN, {})
        if not isinstance(settings, dict):
            raise ValueError(f"its {OWN} is no table")
        TuningSettings.from_dict(settings)
    except (ValueError, SpotError) as error:
        raise WrongUse(
            f"The file {about} is damaged ({str(error).rstrip('.')}). It says how the weights were "
            "tuned, and the settings that suit them: put it back, or remove it, and the paper's "
            "settings hold."
        ) from error
    return settings


def as_kept(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A model's own settings as plain JSON values, for the weights tuned from it."""
    plain = TuningSettings.from_dict(settings)
    return {name: getattr(plain, name) for name in settings}
