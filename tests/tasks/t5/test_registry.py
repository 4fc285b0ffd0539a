"""seqio's registry by name, over another vocabulary, with the data TFDS makes up."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.tasks import Mixture, Task
from spotfw.tasks.scores import score
from spotfw.tasks.t5.registry import SeqioRegistry


def test_listing_imports_no_tensorflow():
    code = (
        "import sys; from spotfw.tasks.t5.registry import SeqioRegistry as S;"
        "assert list(S().tasks()) == []; sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.mesh
def test_all_names_of_t5():
    names = SeqioRegistry().names()
    assert names == sorted(names)
    assert {"glue_mnli_v002", "super_glue_cb_v102", "glue_v002_proportional"} <= {*names}


@pytest.mark.mesh
def test_names_that_t5_has_not_cost_no_tensorflow():
    code = (
        "import sys; from spotfw.tasks.t5.registry import SeqioRegistry as S;"
        "assert S().find('glue_nmli') is None; assert 'tensorflow' not in sys.modules;"
        "from spotfw.tasks.t5 import registry as s; names = S().names();"
        "assert s.UNVERSIONED < {*names}; assert all(map(s._may_be_of_t5, names))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.mesh
def test_every_registered_name_is_found():
    source = SeqioRegistry()
    for name in source.names():
        task = source.find(name)
        assert isinstance(task, (Task, Mixture))
        assert task.name == name
        assert task.origin.startswith("seqio")
    assert source.find("glue_nothing") is None


@pytest.mark.mesh
def test_what_is_known_without_data():
    find = SeqioRegistry().find
    cb = find("super_glue_cb_v102")
    assert cb.labels == ("entailment", "contradiction", "neutral")
    assert (cb.family, cb.type) == ("NLI", "classification")
    assert cb.metrics == ("mean_3class_f1", "accuracy")
    assert find("glue_cola_v002").metrics == ("matthews_corrcoef",)
    assert find("glue_stsb_v002").type == "regression"
    assert find("super_glue_record_v102").metrics == ("squad",)


@pytest.mark.mesh
def test_mixtures_keep_constant_rates_and_drop_members_never_drawn():
    glue = SeqioRegistry().find("glue_v002_proportional")
    rates = dict(zip((t.name for t in glue.tasks), glue.rates, strict=True))
    assert rates["glue_rte_v002"] == 2490
    assert "glue_ax_v002" not in rates
    assert SeqioRegistry().find("en_mix").rates is None


@pytest.mark.mesh
def test_plugins_find_registered_tasks():
    assert Plugins(entry_points=False).task("glue_sst2_v002").labels == ("negative", "positive")


@pytest.mark.mesh
def test_absent_data_is_reported_in_one_paragraph(tmp_path, monkeypatch):
    from spotfw.tasks.seqio.compat import seqio

    monkeypatch.setattr(seqio.utils, "_TFDS_DATA_DIR_OVERRIDE", str(tmp_path))
    task = SeqioRegistry().find("glue_wnli_v002").build(seqio.ByteVocabulary())
    with pytest.raises(
        SpotError, match=r"'glue_wnli_v002', split 'train', is not on this"
    ) as raised:
        task.get_dataset(None, "train", shuffle=False)
    assert "TFDS_DATA_DIR" in str(raised.value)
    assert "glue/wnli" in str(raised.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["glue_mrpc_v002", "super_glue_cb_v102", "glue_stsb_v002"])
@pytest.mark.mesh
def test_a_registered_task_on_the_real_vocabulary(name, shared):
    import tensorflow_datasets as tfds

    from spotfw.tasks.examples import read_examples
    from spotfw.tasks.seqio.compat import seqio

    vocabulary = seqio.SentencePieceVocabulary(str(shared / "vocab" / "t5.model"), 100)
    task = SeqioRegistry().find(name)
    with tfds.testing.mock_data(num_examples=6):
        train = read_examples(task, "train", vocabulary, 64, 8)
        validation = read_examples(task, "validation", vocabulary, 64, 8)
    assert len(train) == len(validation) == 6
    start = vocabulary.decode(train.inputs[0].tolist())
    assert start.startswith(name.split("_v")[0].replace("super_glue_", "").replace("glue_", ""))
    assert all(row[-1] == 1 and len(row) <= 64 for row in train.inputs)
    right = [e.targets for e in validation.raw()]
    perfect = score(validation, right)
    assert len(perfect) == len(task.metrics)
    assert sum(perfect.values()) > sum(score(validation, ["nonsense"] * 6).values())
    # What is registered stays as it was.
    registered = seqio.TaskRegistry.get(name).output_features["inputs"].vocabulary
    assert registered is not vocabulary
