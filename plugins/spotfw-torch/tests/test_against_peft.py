"""The loss and the prompt's gradient against PEFT's PromptTuning on the same model."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)
peft = pytest.importorskip("peft", reason="PEFT is not installed: pip install peft")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

import spotfw_torch  # noqa: E402

LENGTH, PROMPT, BATCH = 24, 6, 5


@pytest.mark.filterwarnings("ignore")  # PEFT's and transformers' own
def test_loss_and_gradient(folder, prompts, texts, padded):
    ours = spotfw_torch.load(folder)
    (prompt,) = prompts(1, PROMPT, ours.width, seed=2)
    inputs = padded(texts(1, BATCH, LENGTH, ours.vocabulary_size), LENGTH)
    targets = padded(texts(2, BATCH, 6, ours.vocabulary_size), 6)
    losses, gradients = spotfw_torch.loss_and_gradient(
        ours, prompt[None], inputs[None], targets[None]
    )

    loaded = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).float()
    if loaded.config.model_type == "umt5":  # see test_against_huggingface.py
        loaded.config.tie_word_embeddings = ours.dimensions.scaled_output
    config = peft.PromptTuningConfig(
        task_type="SEQ_2_SEQ_LM", num_virtual_tokens=PROMPT, num_transformer_submodules=1
    )
    theirs = peft.get_peft_model(loaded, config).eval()
    weight = theirs.prompt_encoder["default"].embedding.weight
    with torch.no_grad():
        weight.copy_(torch.from_numpy(prompt))
    labels = torch.from_numpy(targets)
    output = theirs(
        input_ids=torch.from_numpy(inputs),
        attention_mask=torch.from_numpy((inputs != 0).astype(np.int64)),
        labels=labels.masked_fill(labels == 0, -100),
    )
    output.loss.backward()
    assert losses[0] == pytest.approx(float(output.loss.detach()), abs=1e-5)
    gradient = weight.grad.numpy()
    size = np.sqrt(np.mean(np.square(gradient)))
    assert np.abs(gradients[0] - gradient).max() <= 1e-4 * size
    trained = [name for name, value in theirs.named_parameters() if value.requires_grad]
    assert trained == ["prompt_encoder.default.embedding.weight"]
