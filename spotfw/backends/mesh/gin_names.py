"""Names that occur in T5's gin texts: those of the model, and those of everything else."""

from __future__ import annotations

#: Module -> what of it a model is made of. These alone may be bound and referred to.
MODEL: dict[str, tuple[str, ...]] = {
    "mesh_tensorflow.transformer.transformer": (
        "Bitransformer",
        "LayerStack",
        "ReversibleLayerStack",
        "Unitransformer",
        "VocabEmbedding",
        "get_vocab_embedding_cls",
        "make_bitransformer",
        "make_layer_stack",
        "reduce_ensemble_logits",
        "reduce_ensemble_logits_mean_logit",
        "reduce_ensemble_logits_mean_prob",
        "reduce_ensemble_logits_select",
        "shift_targets",
        "sublayer_annealed_dropout",
        "sublayer_call_layer",
        "sublayer_clip_activation_gradient",
        "sublayer_dropout",
        "sublayer_legacy_dropout",
        "sublayer_legacy_final_rms_norm",
        "sublayer_legacy_rms_norm",
        "sublayer_mask_padding",
        "sublayer_residual",
        "sublayer_rezero",
        "sublayer_rms_norm",
        "sublayer_rms_norm_subsampled",
        "sublayer_scale_norm",
        "sublayer_true_layer_norm",
    ),
    "mesh_tensorflow.transformer.transformer_layers": (
        "BranchedEncDecAttention",
        "BranchedSelfAttention",
        "Conv1DLayer",
        "Conv1DLocalAttn",
        "DenseReluDense",
        "DynamicConv1DLocalAttn",
        "EncDecAttention",
        "ExpertsEncDecAttention",
        "ExpertsSelfAttention",
        "GeneralBilinearEncDecAttention",
        "GeneralBilinearSelfAttention",
        "LightweightConv1DLocalAttn",
        "LocalConvAttnBlock",
        "LocalSelfAttention",
        "ParallelLayer",
        "SelfAttention",
        "SeparableConv1DLayer",
        "Synthesizer",
        "TalkingHeadsEncDecAttention",
        "TalkingHeadsSelfAttention",
        "TransparentEncDecAttention",
        "enc_dec_attention",
        "enc_dec_attention_bias",
        "relative_position_spans",
    ),
    "mesh_tensorflow.transformer.moe": ("MoE1D",),
    "mesh_tensorflow.layers": (
        "VarianceScalingInitializer",
        "clip_activation_gradient",
        "unit_scaling_convention",
    ),
    "mesh_tensorflow.transformer.transformer.Bitransformer": ("decode",),
    "mesh_tensorflow.transformer.transformer.Unitransformer": ("sample_autoregressive",),
    "mesh_tensorflow.beam_search": ("beam_search", "greedy_decode"),
}

#: What Mesh TF may be asked to look up by name as the function between two layers.
ACTIVATIONS = (
    "linear",
    "relu",
    "gelu",
    "elu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "swish",
    "tanh",
    "identity",
)

#: Packages whose modules T5's texts import, and whose settings that are not of the model say
#: nothing here.
_PACKAGES = ("mesh_tensorflow", "t5", "seqio", "tensorflow_datasets", "gin.tf")

#: Short names of settings in T5's texts that are not of the model, of all releases.
_WORDS = """
    AdafactorOptimizer AdafactorWithMultiLRSchedule AdamWeightDecayOptimizer
    AdamWithMultiLRSchedule MomentumOptimizer MtfModel SgdOptimizer SimdMeshImpl StudentTeacher
    adafactor_decay_rate_pow auto_train_steps clean_decodes compute_log_likelihoods
    compute_lr_for_step concatenate_and_split_to_fixed_length constant constant_learning_rate
    SentencePieceVocabulary Vocabulary decode decode_from_dataset decode_from_file
    decode_from_files denoise drop_noise_tokens drop_nonnoise_tokens
    filter_by_string_length flexible_ckpt_init_mapping get_checkpoint_iterator
    get_default_vocabulary get_sentencepiece_model_path get_t2t_vocabulary
    get_tfds_vocabulary get_variable_dtype
    get_vocabulary iid_noise_mask infer_model init_checkpoint_variable_mapping
    learning_rate_schedule_noam linear_decay linear_decay_learning_rate linear_warmup
    make_bi_student_teacher make_text_line_dataset maybe_print_dataset mesh_eval_dataset_fn
    mesh_inference_dataset_fn mesh_train_dataset_fn noise_span_to_sentinel
    noise_span_to_unique_sentinel noise_token_to_gathered_token noise_token_to_random_token
    noise_token_to_random_token_or_sentinel noise_token_to_sentinel nonnoise_span_to_sentinel
    nonnoise_span_to_unique_sentinel num_parallel_calls pack_dataset pack_or_pad
    packed_parallel_tsv_dataset permute_noise_tokens pretokenized_t2t_dataset
    pretokenized_tfds_dataset product_learning_rate random_prefix_noise_mask random_spans_helper
    random_spans_noise_mask random_spans_targets_length random_spans_tokens_length
    rate_num_examples rate_unsupervised record reduce_concat_tokens regular_noise_mask
    rewrite_stack_variables run sample_from_text_line_datasets save_scores
    save_scores_to_tfrecords score_from_dataset score_from_strings score_with_estimator
    score_with_estimator_lazy select_random_chunk sentinel_id separate_vocabularies
    serialize_num_microbatches should_load_variable simple_text_line_dataset
    slanted_triangular split_tokens split_tokens_to_inputs_length
    split_tokens_to_random_length split_tokens_to_targets_length tpu_estimator_model_fn
    tpu_mesh_shape trivia_qa_truncate_inputs truncated_rsqrt tsv_dataset_fn unsupervised
    untokenized_tfds_dataset utils variable_filter_max_size
"""
_OTHER = frozenset(_WORDS.split())

_FULL = {f"{module}.{name}" for module, names in MODEL.items() for name in names}


def full_name(selector: str) -> str | None:
    """The one part of the model that a name means, as gin completes it; None where none is.

    Args:
      selector: a name with any number of its modules before it, without scopes.
    """
    names = [name for name in _FULL if name == selector or name.endswith(f".{selector}")]
    return names[0] if len(names) == 1 else None


def is_other(selector: str) -> bool:
    """Whether a name is T5's or Mesh TF's, but not of the model."""
    return selector.startswith(tuple(f"{name}." for name in _PACKAGES)) or (
        selector.rpartition(".")[2] in _OTHER
    )


def is_own_module(module: str) -> bool:
    """Whether a module belongs to what T5 itself is made of."""
    # Released texts name the program that T5 was trained by; like all imports it is passed over.
    inside = tuple(f"{name}." for name in _PACKAGES)
    return module in (*_PACKAGES, "__main__") or module.startswith(inside)
