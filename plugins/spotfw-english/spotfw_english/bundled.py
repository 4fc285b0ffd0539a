"""The bundled model and the settings that suit it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spotfw.contracts import DemoPlan, NamedModel

PACKED = Path(__file__).parent / "model"

#: Source prompts, three seeds a task; its card names the data sets, licences and scores.
LIBRARY = Path(__file__).parent / "library"

#: For two cores: a prompt of 20 tokens, no dropout (the model was trained without), and a rate
#: of 0.1. The model's card has the measurements, on source tasks, that these come from.
SETTINGS: dict[str, Any] = {
    "prompt_length": 20,
    "learning_rate": 0.1,
    "dropout": 0.0,
    "batch_size": 16,
    "steps": 400,
    "checkpoint_every": 50,
    "embedding_step": 100,
    "max_input_length": 128,
    "max_target_length": 8,
    "eval_batch_size": 64,
    "max_eval_examples": 500,
}

#: Small generated texts, from the prompts that come with the model. Few steps from scratch are
#: enough for all but one, the help desk's messages.
DEMO = DemoPlan(
    sources=(),
    targets=("shop_reviews", "fact_or_opinion", "help_desk", "claims"),
    target={
        "steps": 40,
        "checkpoint_every": 20,
        "embedding_step": 40,
        "max_input_length": 40,
        "max_target_length": 6,
    },
    strategies=(
        ("best_of_top_k", 1, "best of top-1"),
        ("best_of_top_k", 3, "best of top-3"),
        ("top_k_weighted_average", 3, "weighted average, k=3"),
    ),
)


def english_model() -> NamedModel:
    """The model under its name."""
    return NamedModel(
        name="english",
        folder=_mesh_folder,
        hf_folder=str(PACKED),
        description="T5 1.1 of 21 million parameters, pre-trained on openly licensed English",
        settings=SETTINGS,
        library=str(LIBRARY),
        demo=DEMO,
    )


def _mesh_folder() -> str:
    from spotfw.backends.mesh.folders.unpacked import unpacked_model

    return unpacked_model("english", PACKED)
