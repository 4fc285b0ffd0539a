"""The bundled model: kept as a small Hugging Face folder, used as a Mesh TF checkpoint."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from spotfw.contracts import DemoPlan, NamedModel
from spotfw.errors import SpotError

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
        folder=mesh_folder,
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


def mesh_folder() -> str:
    """The model's Mesh TF folder, converted into the user's cache when first asked for.

    The cache is ``$XDG_CACHE_HOME/spotfw`` (else ``~/.cache/spotfw``); its folder is named
    by the weights, so another version of this package never meets an old conversion.

    Raises:
      SpotError: the weights are not there, or the cache cannot be written.
    """
    weights = PACKED / "model.safetensors"
    if not weights.exists():
        raise SpotError(
            f"The playground's model is not in {PACKED}. Install spotfw-playground anew, or make "
            "the model with `spotfw-playground pretrain`."
        )
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "spotfw" / f"playground-{digest}"
    if not (folder / "checkpoint").exists():
        from spotfw.backends.mesh.folders.convert import hf_to_mesh

        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            hf_to_mesh(str(PACKED), str(folder))
        except SpotError:
            # Another process may have made it meanwhile.
            if not (folder / "checkpoint").exists():
                raise
        except OSError as error:
            raise SpotError(
                f"The playground's model cannot be unpacked to {folder}: {error.strerror}. Set "
                "XDG_CACHE_HOME to a folder that can be written."
            ) from error
    return str(folder)
