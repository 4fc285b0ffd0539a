"""Many soft prompts at once over one frozen T5, in PyTorch.

PyTorch is imported when the first of these names is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from spotfw_torch.spinning import spin_briefly

if TYPE_CHECKING:
    from spotfw_torch.cohort import Cohort as Cohort
    from spotfw_torch.decoding import greedy as greedy
    from spotfw_torch.dimensions import Dimensions as Dimensions
    from spotfw_torch.errors import ModelFolderError as ModelFolderError
    from spotfw_torch.examples import Examples as Examples
    from spotfw_torch.loss import loss_and_gradient as loss_and_gradient
    from spotfw_torch.member import Member as Member
    from spotfw_torch.member import MemberReport as MemberReport
    from spotfw_torch.member import MemberState as MemberState
    from spotfw_torch.member import Tuned as Tuned
    from spotfw_torch.model import FrozenT5 as FrozenT5
    from spotfw_torch.model import load as load
    from spotfw_torch.neurons import activations as activations
    from spotfw_torch.scoring import example_losses as example_losses
    from spotfw_torch.scoring import label_scores as label_scores
    from spotfw_torch.scoring import mean_loss as mean_loss
    from spotfw_torch.tuning import tune as tune

#: Name -> the module that has it; no module is named as one of them.
_PLACES = {
    "Cohort": "cohort",
    "Dimensions": "dimensions",
    "Examples": "examples",
    "FrozenT5": "model",
    "Member": "member",
    "MemberReport": "member",
    "MemberState": "member",
    "ModelFolderError": "errors",
    "Tuned": "member",
    "activations": "neurons",
    "example_losses": "scoring",
    "greedy": "decoding",
    "label_scores": "scoring",
    "load": "model",
    "loss_and_gradient": "loss",
    "mean_loss": "scoring",
    "tune": "tuning",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    spin_briefly()
    value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
