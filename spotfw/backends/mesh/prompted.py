"""What makes T5 a cohort: each member's prompt in front of its inputs, and its own loss.

A cohort is a dimension beside the batch's: ids are [cohort, batch, length], and members share
nothing but the frozen weights. Gin puts both into Mesh TF's transformer: see `model.building`.
"""

from __future__ import annotations

from typing import Any

import gin

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf, transformer
from spotfw.backends.mesh.lookup import looked_up

#: The dimension of members; a mesh's layout may split it.
COHORT = "cohort"


@gin.configurable(module="spotfw")
class PromptedEmbedding(transformer.VocabEmbedding):  # type: ignore[misc]
    """T5's embedding table; in the encoder the first positions hold a soft prompt.

    Mesh TF asks this class to turn ids [cohort, batch, length] into embeddings. In the encoder
    the first `prompt_length` ids are non-zero place holders, so that masks, relative positions
    and decoding see an ordinary sequence, and their embeddings are the member's prompt
    (paper 2.1.4).
    """

    def __init__(
        self,
        mesh: Any,
        vocab_dim: Any,
        output_dim: Any,
        variable_dtype: Any,
        name: str,
        ensemble_dim: Any,
        prompt_length: int = 0,
        members: int = 1,
        split_vocabulary: bool = True,
    ) -> None:
        """Creates the table and, where `prompt_length` is above 0, the prompts.

        Args:
          mesh, vocab_dim, output_dim, variable_dtype, name, ensemble_dim: as Mesh TF's.
          prompt_length: tokens of a prompt.
          members: prompts, one for each member of the cohort.
          split_vocabulary: look ids up by a product with one-hot rows, which works with a
            vocabulary split over the mesh; otherwise by `tf.gather`.
        """
        super().__init__(mesh, vocab_dim, output_dim, variable_dtype, name, ensemble_dim)
        self._split_vocabulary = split_vocabulary
        self._prompts = None
        if prompt_length:
            dims = [mtf.Dimension(COHORT, members), mtf.Dimension("prompt", prompt_length)]
            self._prompts = mtf.get_variable(
                mesh,
                prompts_name(members, prompt_length),
                mtf.Shape([*dims, output_dim]),
                dtype=mtf.VariableDType(tf.float32, tf.float32, variable_dtype.activation_dtype),
                initializer=tf.zeros_initializer(),
            )

    def _look_up(self, ids: Any, context: Any) -> Any:
        if self._split_vocabulary:
            return super().ids_to_embedding(ids, context)
        return looked_up(self._embedding_weights, ids)

    def ids_to_embedding(self, ids: Any, context: Any) -> Any:
        """Embeddings [cohort, batch, length, d_model] of ids [cohort, batch, length]."""
        if self._prompts is None or context.model.name != "encoder":
            return self._look_up(ids, context)
        *rows, length = ids.shape.dims
        prompt_dim = self._prompts.shape.dims[1]
        text = mtf.slice(ids, prompt_dim.size, length.size - prompt_dim.size, length.name)
        prompts = mtf.broadcast(self._prompts, [*rows, prompt_dim, self._output_dim])
        prompts = mtf.replace_dimensions(
            prompts, prompt_dim, mtf.Dimension(length.name, prompt_dim.size)
        )
        return mtf.concat([prompts, self._look_up(text, context)], length.name)


def prompts_name(members: int, prompt_length: int) -> str:
    """The name of the variable [members, prompt_length, d_model]."""
    return f"prompt_{members}x{prompt_length}"


@gin.configurable(module="spotfw")  # type: ignore[untyped-decorator]
def loss_by_member(model: Any, context: Any, logits: Any, targets: Any, vocabulary: Any) -> Any:
    """Mesh TF's cross-entropy, summed over a member's tokens instead of over all.

    Args:
      model: Mesh TF's `Unitransformer`.
      context: of the call; the z-loss is for training.
      logits: [cohort, batch, length, vocabulary].
      targets: int32 [cohort, batch, length], 0 where there is none.
      vocabulary: the dimension.

    Returns:
      [cohort], or a scalar where ids have no such dimension.
    """
    off = model.label_smoothing / vocabulary.size
    soft = mtf.one_hot(
        targets,
        vocabulary,
        dtype=context.activation_dtype,
        on_value=1.0 - model.label_smoothing + off,
        off_value=off,
    )
    losses = mtf.layers.softmax_cross_entropy_with_logits(
        logits, soft, vocabulary, z_loss=model.z_loss if context.train else 0.0
    )
    real = mtf.cast(mtf.greater(targets, 0), context.activation_dtype)
    return mtf.reduce_sum(losses * real, output_shape=by_member(targets))


def by_member(tensor: Any) -> Any:
    """The shape [cohort] of what is summed by member; a scalar's without that dimension."""
    return mtf.Shape([dim for dim in tensor.shape.dims if dim.name == COHORT])
