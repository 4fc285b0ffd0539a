"""The source mixtures of the paper's Table 1, by the groups of its appendix B.

Each is mixed in proportion to its tasks' examples, a task counted as 2^19 at most
(Raffel et al. 2020; paper 2.1.3). Members are names; t5's tasks go by their short ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from spotfw.tasks.mixtures import MixtureDefinition

#: Group of appendix B -> the mixture's name and its tasks, in the paper's order.
GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "GLUE": (
        "spot_glue",
        (
            *("glue_cola", "glue_sst2", "glue_mrpc", "glue_qqp"),
            *("glue_stsb", "glue_mnli", "glue_qnli", "glue_rte"),
        ),
    ),
    "SuperGLUE": (
        "spot_super_glue",
        (
            *("super_glue_boolq", "super_glue_cb", "super_glue_copa", "super_glue_multirc"),
            *("super_glue_record", "super_glue_rte", "super_glue_wic", "super_glue_wsc"),
        ),
    ),
    "NLI": (
        "spot_nli",
        (
            *("spot_anli_r1", "spot_anli_r2", "spot_anli_r3", "super_glue_cb", "spot_doc_nli"),
            *("glue_mnli", "glue_qnli", "glue_rte", "spot_snli"),
        ),
    ),
    "paraphrasing/similarity": (
        "spot_paraphrase_similarity",
        ("cxc", "glue_mrpc", "glue_qqp", "glue_stsb"),
    ),
    "sentiment": (
        "spot_sentiment",
        ("customer_reviews", "goemotions", "sentiment140", "glue_sst2", "yelp_polarity_reviews"),
    ),
    "MRQA": (
        "spot_mrqa",
        (
            *("mrqa_squad", "mrqa_news_qa", "mrqa_trivia_qa", "mrqa_search_qa"),
            *("mrqa_hotpot_qa", "mrqa_natural_questions"),
        ),
    ),
    "RAINBOW": (
        "spot_rainbow",
        ("alpha_nli", "cosmos_qa", "hellaswag", "piqa", "social_i_qa", "winogrande"),
    ),
    "translation": ("spot_translation", ("wmt_ende", "wmt_enfr", "wmt_enro")),
    "summarization": (
        "spot_summarization",
        (
            *("spot_aeslc", "spot_billsum", "spot_cnn_dailymail", "wiki_lingua"),
            *("spot_gigaword", "spot_multi_news", "spot_newsroom", "spot_samsum", "xsum"),
        ),
    ),
    "GEM": (
        "spot_gem",
        (
            *("gem_common_gen", "gem_dart", "gem_e2e_nlg", "gem_schema_guided_dialog"),
            *("gem_web_nlg_en", "gem_wiki_auto_asset_turk", "xsum", "wiki_lingua"),
        ),
    ),
}

#: What "all" has beside the groups above. The paper counts 55 labelled data sets and does not
#: say how. Two readings of its appendix B come to 55: SQuAD both alone and as MRQA's, RTE both
#: GLUE's and SuperGLUE's, and ANLI one; or SQuAD and RTE once, and ANLI's rounds three. The
#: mixture has the tasks of both. DROP and RACE are of section 3 only.
_REST = ("c4", "squad")


def mixtures() -> list[MixtureDefinition]:
    """The mixtures of Table 1, inputs as released; `spot_all` is C4 and all labelled data sets."""
    grouped = [
        MixtureDefinition(
            name=name,
            members=members,
            description=f"{group}: a source mixture of the paper's Table 1",
        )
        for group, (name, members) in GROUPS.items()
    ]
    every = tuple(dict.fromkeys(m for _, members in GROUPS.values() for m in members))
    return [
        *grouped,
        MixtureDefinition(
            name="spot_all",
            members=(*_REST, *every),
            description="C4 and all labelled data sets of the paper's appendix B",
        ),
    ]
