"""What a user would pick instead: Hugging Face's T5 with PEFT's prompt tuning on PyTorch.

Given its best settings here: the prompt before the encoder alone, as SPoT has it, fused attention,
batches padded to their longest row, no dropout as in ours, Adafactor, and in bfloat16 a model of
that type with a float32 prompt.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.worker import Ids, Work


class Peft:
    """See `benchmarks.worker.Engine`."""

    def __init__(self, work: Work) -> None:
        import torch
        from peft import PromptTuningConfig, get_peft_model
        from transformers import T5ForConditionalGeneration
        from transformers.optimization import Adafactor

        torch.set_num_threads(work.threads)
        self._torch, self._work = torch, work
        base = T5ForConditionalGeneration.from_pretrained(
            work.folder, dtype=getattr(torch, work.dtype), attn_implementation="sdpa"
        )
        base.config.dropout_rate = 0.0
        for module in base.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        config = PromptTuningConfig(task_type="SEQ_2_SEQ_LM", num_virtual_tokens=work.prompt_length)
        self._model: Any = get_peft_model(base, config)
        tuned = [weight for weight in self._model.parameters() if weight.requires_grad]
        for weight in tuned:
            weight.data = weight.data.float()
        self._optimizer = Adafactor(
            tuned, lr=0.3, scale_parameter=False, relative_step=False, weight_decay=1e-5
        )

    def steps(self, count: int) -> None:
        """Updates on batches in the order of the epoch, each padded to its longest row."""
        size = self._work.batch_size
        order = np.resize(
            np.random.RandomState(0).permutation(len(self._work.inputs)), count * size
        )
        self._model.train()
        for first in range(0, count * size, size):
            rows = order[first : first + size].tolist()
            inputs, mask = self._padded([self._work.inputs[row] for row in rows])
            labels, real = self._padded([self._work.targets[row] for row in rows])
            labels = labels.masked_fill(real == 0, -100)
            loss = self._model(input_ids=inputs, attention_mask=mask, labels=labels).loss
            loss.backward()
            self._optimizer.step()
            self._optimizer.zero_grad()

    def score(self) -> None:
        """Generates for all inputs, those of like lengths together, 64 at once."""
        self._model.eval()
        order = sorted(range(len(self._work.inputs)), key=lambda row: len(self._work.inputs[row]))
        for first in range(0, len(order), 64):
            inputs, mask = self._padded(
                [self._work.inputs[row] for row in order[first : first + 64]]
            )
            with self._torch.inference_mode():
                self._model.generate(
                    input_ids=inputs,
                    attention_mask=mask,
                    max_new_tokens=self._work.decoded,
                    do_sample=False,
                )

    def _padded(self, rows: list[Ids]) -> tuple[Any, Any]:
        longest = max(map(len, rows))
        ids = self._torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
        return ids, (ids != 0).long()
