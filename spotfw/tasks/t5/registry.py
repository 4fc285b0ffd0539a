"""Tasks and mixtures of seqio's registry by name, those of ``t5.data`` among them.

The registry exists only once t5.data, and with it TensorFlow, is imported. Listing tasks
must stay cheap, so this source lists none; it is asked by name when no listing has the
name (`find`), and for all its names when a user wants them (`names`).
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Set

from spotfw.tasks import Mixture, Task
from spotfw.tasks.t5.catalogue import find_entry

#: What t5.data's names have, but for those in `UNVERSIONED`.
_VERSION = re.compile(r"_v\d{3}")

#: t5.data's names that tell no version.
UNVERSIONED: Set[str] = frozenset(
    {
        *("all_equal", "all_mix", "all_proportional", "en_mix"),
        "c4_prefix_lm_objective_decoder_architecture",
        "c4_prefix_lm_objective_encoder_decoder_architecture",
        *("large_supervised_equal", "large_supervised_proportional", "large_translation_equal"),
        *("squad_trivia_qa_equal", "wsc_dpr_simple_proportional"),
    }
)


class SeqioRegistry:
    """Everything registered with seqio; other modules' tasks too, once those are imported."""

    name = "seqio"

    def tasks(self) -> Iterable[Task | Mixture]:
        """Nothing: a listing must not import TensorFlow. See `names` and `find`."""
        return ()

    def names(self) -> list[str]:
        """All tasks and mixtures, sorted; imports t5.data and TensorFlow, none without them."""
        if importlib.util.find_spec("seqio") is None:
            return []
        from spotfw.tasks.seqio.registered import registered_names

        return registered_names()

    def find(self, name: str) -> Task | Mixture | None:
        """The task or mixture of that name, None where there is none; imports t5.data.

        A short name of a task of the paper is not the registry's: `T5Tasks` knows those. Nor
        is TensorFlow imported for a name that t5.data does not register.
        """
        known = find_entry(name)
        if known is not None and name != known.name:
            return None
        if "seqio" not in sys.modules and not _may_be_of_t5(name):
            return None
        from spotfw.tasks.t5.others import registered

        return registered(name)


def _may_be_of_t5(name: str) -> bool:
    """Whether t5.data might register a name, as far as it is known without asking."""
    return name in UNVERSIONED or _VERSION.search(name) is not None
