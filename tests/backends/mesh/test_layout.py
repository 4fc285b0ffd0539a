"""A mesh's shape and its layout, as texts and as numbers."""

from __future__ import annotations

import pytest

from spotfw.backends.mesh.layout import RULES, Layout
from spotfw.errors import SpotError, WrongUse


def test_the_default_is_a_single_device() -> None:
    layout = Layout.parse(None)
    assert (layout.size, layout.shape_text, layout.splits_vocabulary) == (1, "", False)
    assert layout.even_batch(7) == 7 and layout.even_members(3) == 3


def test_t5s_own_texts_mean_what_they_mean_there() -> None:
    rules = "ensemble:ensemble,batch:batch,d_ff:model,heads:model,vocab:model,experts:batch"
    layout = Layout.parse("batch:4,model:2", rules)
    assert layout.size == 8 and layout.shape_text == "batch:4,model:2"
    parts = {name: layout.parts(name) for name in ("batch", "vocab", "heads", "d_model", "cohort")}
    assert parts == {"batch": 4, "vocab": 2, "heads": 2, "d_model": 1, "cohort": 1}
    assert layout.splits_vocabulary and not Layout.parse("batch:8").splits_vocabulary


def test_what_does_not_come_out_even_is_whole_in_a_program() -> None:
    layout = Layout.parse("cohort:2,batch:4")
    assert layout.for_rows(members=4, batch=8) == layout
    assert dict(layout.for_rows(members=1, batch=8).rules).keys() >= {"batch", "vocab"}
    assert "cohort" not in dict(layout.for_rows(members=1, batch=8).rules)
    assert "batch" not in dict(layout.for_rows(members=2, batch=6).rules)
    assert (layout.even_batch(9), layout.even_members(3)) == (12, 4)


@pytest.mark.parametrize(
    ("shape", "layout", "message"),
    [
        ("batch", None, "cannot be read at 'batch'"),
        ("batch:4,batch:2", None, "cannot be read at 'batch:2'"),
        ("batch:0", None, "no number from 1"),
        ("batch:1x", None, "no number from 1"),
        ("batch:9999,model:9999", None, "larger than any"),
        ("rows:8", None, "Nothing is laid over the axis rows"),
        ("all:8", "batch:all,heads:all", "occur in one tensor"),
        ("model:8", "head:model", "heads"),
        (None, RULES, "needs a mesh"),
    ],
)
def test_a_text_that_cannot_be_meant_is_refused(
    shape: str | None, layout: str | None, message: str
) -> None:
    with pytest.raises(SpotError, match=message):
        Layout.parse(shape, layout)


def test_a_models_dimensions_must_come_out_even() -> None:
    layout = Layout.parse("model:8")
    layout.check_model({"heads": 16, "d_ff": 1024, "vocab": 32128})
    with pytest.raises(
        WrongUse, match=r"splits heads into 8 parts, but the model has 6 .*\(1, 2, 3, 6\)"
    ):
        layout.check_model({"heads": 6})


@pytest.mark.parametrize("device", ["bogus", "CPU", "CPU:x", "CPU:0 GPU:0", "TPU:0", "CPU:10000"])
def test_what_is_no_devices_name(device: str) -> None:
    from spotfw.backends.mesh.machines import LocalMachine

    with pytest.raises(WrongUse, match="is no device's name"):
        LocalMachine(devices=[device])


def test_a_device_that_is_not_there_or_is_named_twice() -> None:
    from spotfw.backends.mesh.machines import LocalMachine

    with pytest.raises(WrongUse, match="TensorFlow finds no GPU:999 here"):
        LocalMachine(devices=["GPU:999"])
    with pytest.raises(WrongUse, match="Name each of them once"):
        LocalMachine(Layout.parse("batch:2"), ["CPU:0", "cpu:0"])


def test_a_batch_to_learn_from_must_come_out_even() -> None:
    Layout.parse("batch:4").check_batch(8)
    with pytest.raises(WrongUse, match=r"--batch-size 6 does not divide\. Give a multiple of 4"):
        Layout.parse("batch:4").check_batch(6)
