"""Frozen models that go by a name, as plugins bring them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class DemoPlan:
    """What ``spotfw demo`` does on a model.

    Attributes:
      sources: tasks to learn prompts on; none where the targets start from the library that
        comes with the model.
      targets: low-resource tasks to transfer to.
      source: settings of the source tunings, which override the model's.
      target: settings of the target tunings, likewise.
      mixture: settings of tuning on a mixture of sources and target, likewise.
      strategies: what is shown: a strategy's name, its k (None: as many as there are sources),
        and its title; the first with ``best of top-1`` as its title stands for transfer. Empty
        for all of the paper's, which need sources.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    source: Mapping[str, Any] = attrs.field(factory=dict)
    target: Mapping[str, Any] = attrs.field(factory=dict)
    mixture: Mapping[str, Any] = attrs.field(factory=dict)
    strategies: tuple[tuple[str, int | None, str], ...] = ()


@attrs.frozen(kw_only=True)
class NamedModel:
    """A frozen model known by name.

    Attributes:
      name: e.g. ``playground``.
      folder: called when the model is wanted; returns its Mesh TF folder, making it if needed.
      description: one line.
      settings: tuning settings that suit the model, which override the paper's defaults.
      hf_folder: the same model as a Hugging Face folder, where there is one, for engines
        that read that.
      library: folder of a library of prompts learned on the model, which comes with it; a
        transfer starts from these where no library is named. It is only read. Its prompts
        must carry the model's fingerprint.
      demo: what ``spotfw demo`` shows on it, if it can.
    """

    name: str
    folder: Any = attrs.field(repr=False, eq=False)
    description: str = ""
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    hf_folder: str | None = attrs.field(default=None, repr=False)
    library: str | None = attrs.field(default=None, repr=False)
    demo: DemoPlan | None = None
