"""What a T5 gives for a batch: here through Mesh TensorFlow, there through Hugging Face."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from benchmarks.random_t5 import Batch, Floats, Ids
from spotfw.backends.mesh.folders.hf_folder import HFTensors


@attrs.frozen(kw_only=True)
class Outcome:
    """What is compared.

    Attributes:
      logits: float32 [batch, target length, V], teacher forced.
      loss: nats per real target token.
      gradient: of the loss with respect to the prompt, float32 [L, d_model]; None without.
      decoded: greedily decoded ids of each input, without what follows the end (id 1).
    """

    logits: Floats
    loss: float
    gradient: Floats | None
    decoded: list[list[int]]


def ours(folder: Path, given: Batch, *, prompted: bool, decode: int) -> Outcome:
    """The outcome of this project's engine on a Mesh TF folder.

    Args:
      folder: of the model.
      given: the batch.
      prompted: whether the prompt stands in front.
      decode: tokens to decode.
    """
    from spotfw.backends.mesh.engine import open_model
    from spotfw.backends.mesh.programs import Shapes
    from spotfw.backends.mesh.runtime import LivePrompts

    model = open_model(str(folder))
    runtime = model.runtime
    size, length = given.inputs.shape
    shapes = Shapes(
        batch=size,
        inputs=length,
        targets=given.targets.shape[1],
        prompt_length=len(given.prompt) if prompted else 0,
    )
    score = runtime.program("score", shapes)
    decoding = runtime.program("decode", attrs.evolve(shapes, targets=decode))
    prompt = LivePrompts.of(given.prompt) if prompted else None
    fetch = ["logits", "loss", *(["gradient"] if prompted else [])]
    logits, loss, *gradient = runtime.run(
        score, fetch, prompts=prompt, inputs=given.inputs[None], targets=given.targets[None]
    )
    ((ids,),) = runtime.run(decoding, ["ids"], prompts=prompt, inputs=given.inputs[None])
    model.close()
    return Outcome(
        logits=logits[0],
        loss=float(loss[0]),
        gradient=gradient[0][0] if prompted else None,
        decoded=until_end(ids),
    )


def torch_engine(folder: Path, given: Batch, *, prompted: bool, decode: int) -> Outcome:
    """The outcome of the plugin spotfw-torch on a Hugging Face folder; as `ours`."""
    import torch

    import spotfw_torch

    engine = spotfw_torch.load(folder)
    width = engine.width
    prompt = given.prompt if prompted else np.zeros((0, width), np.float32)
    inputs, targets = given.inputs[None], given.targets[None]
    losses, gradients = spotfw_torch.loss_and_gradient(engine, [prompt], inputs, targets)
    with torch.inference_mode():
        ids = torch.from_numpy(given.targets.astype(np.int64))
        before = torch.nn.functional.pad(ids[:, :-1], (1, 0))
        stack = torch.from_numpy(prompt)[None]
        encoded = engine.encode(stack, torch.from_numpy(inputs.astype(np.int64)))
        logits = engine.logits(engine.decode(encoded, before)).numpy()
    rows = [row[row != 0] for row in given.inputs]
    (decoded,) = spotfw_torch.greedy(engine, [prompt], rows, decode)
    return Outcome(
        logits=logits,
        loss=float(losses[0]),
        gradient=gradients[0] if prompted else None,
        decoded=[ids.tolist() for ids in decoded],
    )


def huggingface(
    folder: Path, given: Batch, *, prompted: bool, decode: int, double: bool = False
) -> Outcome:
    """The outcome of transformers' T5 on a Hugging Face folder; arguments as `ours`'s.

    Args:
      double: compute in float64 throughout, to see whose rounding a difference is.

    Raises:
      RuntimeError: transformers did not keep the folder's own lm_head.
    """
    import torch
    from transformers import T5ForConditionalGeneration

    model = T5ForConditionalGeneration.from_pretrained(folder).float().eval()
    stored = HFTensors(folder).read("lm_head.weight")
    if not np.array_equal(model.lm_head.weight.detach().numpy(), stored):
        raise RuntimeError("transformers tied lm_head to the embeddings: nothing to compare with")
    for weight in model.parameters():
        weight.requires_grad_(False)
    with _in_float64() if double else contextlib.nullcontext():
        if double:
            model = model.double()
        return _run(model, torch.from_numpy(given.prompt).to(model.dtype), given, prompted, decode)


def peft(folder: Path, given: Batch) -> tuple[float, Floats]:
    """Loss and gradient of PEFT's PromptTuning with the batch's prompt; see `Outcome`."""
    import torch
    from peft import PromptTuningConfig, get_peft_model
    from transformers import T5ForConditionalGeneration

    config = PromptTuningConfig(
        task_type="SEQ_2_SEQ_LM",
        num_virtual_tokens=len(given.prompt),
        num_transformer_submodules=1,
    )
    loaded = T5ForConditionalGeneration.from_pretrained(folder).float()
    model = get_peft_model(loaded, config).eval()
    weight = model.prompt_encoder["default"].embedding.weight
    with torch.no_grad():
        weight.copy_(torch.from_numpy(given.prompt))
    inputs, labels = (
        torch.from_numpy(ids.astype(np.int64)) for ids in (given.inputs, given.targets)
    )
    loss = model(
        input_ids=inputs,
        attention_mask=(inputs != 0).long(),
        labels=labels.masked_fill(labels == 0, -100),
    ).loss
    loss.backward()
    return float(loss.detach()), weight.grad.numpy()


def _run(model: Any, prompt: Any, given: Batch, prompted: bool, decode: int) -> Outcome:
    import torch

    prompt.requires_grad_()
    inputs = torch.from_numpy(given.inputs.astype(np.int64))
    embeddings, mask = model.shared(inputs), (inputs != 0).long()
    if prompted:
        size = len(inputs)
        embeddings = torch.cat([prompt.expand(size, -1, -1), embeddings], dim=1)
        mask = torch.cat([mask.new_ones(size, len(prompt)), mask], dim=1)
    labels = torch.from_numpy(given.targets.astype(np.int64))
    scored = model(
        inputs_embeds=embeddings,
        attention_mask=mask,
        labels=labels.masked_fill(labels == 0, -100),
    )
    if prompted:
        scored.loss.backward()
    with torch.no_grad():
        ids = model.generate(
            inputs_embeds=embeddings.detach(),
            attention_mask=mask,
            max_new_tokens=decode,
            do_sample=False,
            num_beams=1,
        )
    return Outcome(
        logits=scored.logits.detach().numpy(),
        loss=float(scored.loss.detach()),
        gradient=prompt.grad.numpy() if prompted else None,
        decoded=until_end(ids[:, 1:].numpy()),  # the first id is the decoder's start
    )


@contextlib.contextmanager
def _in_float64() -> Iterator[None]:
    """Takes out the places where transformers' T5 returns to float32 by itself."""
    import torch
    from transformers.models.t5 import modeling_t5

    def norm(layer: Any, hidden: Any) -> Any:
        variance = hidden.pow(2).mean(-1, keepdim=True)
        return layer.weight * (hidden * torch.rsqrt(variance + layer.variance_epsilon))

    kept = torch.Tensor.float, modeling_t5.T5LayerNorm.forward
    torch.Tensor.float, modeling_t5.T5LayerNorm.forward = torch.Tensor.double, norm
    try:
        yield
    finally:
        torch.Tensor.float, modeling_t5.T5LayerNorm.forward = kept


def until_end(ids: npt.NDArray[np.integer[Any]]) -> list[list[int]]:
    """Each row up to and with the first id 1."""
    return [row[: row.index(1) + 1] if 1 in row else row for row in ids.tolist()]


@attrs.frozen(kw_only=True)
class Difference:
    """How far two outcomes are apart.

    Attributes:
      logits: largest difference at a real target token, in standard deviations of theirs.
      loss: absolute, nats per token.
      gradient: largest difference of an element, in root mean squares of theirs; or None.
      alike: inputs for which the same ids are decoded.
    """

    logits: float
    loss: float
    gradient: float | None
    alike: int


def difference(mine: Outcome, theirs: Outcome, targets: Ids) -> Difference:
    """Compares two outcomes of a batch with these targets."""
    real = targets != 0
    reference = theirs.logits[real]
    gradient = None
    if mine.gradient is not None and theirs.gradient is not None:
        size = float(np.sqrt(np.mean(theirs.gradient**2)))
        gradient = float(np.abs(mine.gradient - theirs.gradient).max()) / size
    return Difference(
        logits=float(np.abs(mine.logits[real] - reference).max() / reference.std()),
        loss=abs(mine.loss - theirs.loss),
        gradient=gradient,
        alike=sum(a == b for a, b in zip(mine.decoded, theirs.decoded, strict=True)),
    )
