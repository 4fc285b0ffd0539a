"""The bundled model: kept as a small Hugging Face folder, used as a Mesh TF checkpoint."""

from __future__ import annotations

from pathlib import Path

from spotfw.contracts import DemoPlan, NamedModel

PACKED = Path(__file__).parent / "model"

#: Steps of a target's tuning in the demo: too few to learn a task from scratch, enough to
#: tell which family it is of.
FEW_STEPS = 60

DEMO = DemoPlan(
    sources=(
        "film_reviews",
        "wording_animals",
        "who_meetings",
        "sense_common",
        "topic_news",
        "speech_acts",
    ),
    targets=(
        "hotel_reviews",
        "wording_things",
        "who_errands",
        "sense_rare",
        "topic_letters",
    ),
    source={"steps": 240, "checkpoint_every": FEW_STEPS, "max_eval_examples": 128},
    mixture={"steps": FEW_STEPS, "checkpoint_every": FEW_STEPS, "max_eval_examples": 64},
    target={"steps": FEW_STEPS, "checkpoint_every": FEW_STEPS, "max_eval_examples": 128},
)


def playground_model() -> NamedModel:
    """The model under its name, with the settings that suit it."""
    return NamedModel(
        name="playground",
        folder=_mesh_folder,
        hf_folder=str(PACKED),
        description="T5 1.1 of 1 million parameters, pre-trained on the playground's text",
        settings={
            "steps": 400,
            "batch_size": 16,
            "prompt_length": 16,
            "max_input_length": 48,
            "max_target_length": 4,
            "checkpoint_every": 100,
            "embedding_step": FEW_STEPS,
            "eval_batch_size": 128,
        },
        demo=DEMO,
    )


def _mesh_folder() -> str:
    from spotfw.backends.mesh.folders.unpacked import unpacked_model

    return unpacked_model("playground", PACKED)
