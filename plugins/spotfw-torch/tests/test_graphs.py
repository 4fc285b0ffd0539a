"""Which captured passes are kept; that they compute the same is the cohort's tests' on CUDA."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

from spotfw_torch.graphs import Gradients  # noqa: E402


class Passes(Gradients):
    """Counts captures, of which so many fit in memory; a pass gives back what it is given."""

    def __init__(self, room: int) -> None:
        super().__init__(SimpleNamespace(graphs=True))
        self.room, self.captures = room, 0

    def _capture(self, given):
        if len(self._passes) >= self.room:
            raise torch.OutOfMemoryError("no room")
        self.captures += 1
        places = tuple(tensor.clone() for tensor in given)
        graph = SimpleNamespace(replay=lambda: None)
        return SimpleNamespace(graph=graph, given=places, losses=places[3], gradients=places[0])

    def run(self, length: int, value: float) -> float:
        prompt = torch.full((1, 2, 2), value)
        ids = torch.ones((1, 1, length), dtype=torch.int64)
        return float(self(prompt, ids, ids, torch.zeros(1))[1].mean())


def test_a_shape_is_captured_once_and_then_fed():
    passes = Passes(room=8)
    assert [passes.run(16, 1.0), passes.run(32, 2.0), passes.run(16, 3.0)] == [1.0, 2.0, 3.0]
    assert passes.captures == 2


def test_where_memory_is_short_the_others_are_given_up():
    passes = Passes(room=2)
    assert [passes.run(length, float(length)) for length in (16, 32, 48, 16)] == [16, 32, 48, 16]
    assert passes.captures == 4


def test_no_more_shapes_are_kept_than_the_limit():
    passes = Passes(room=100)
    for length in (*range(1, 11), 10):
        passes.run(length, 1.0)
    assert passes.captures == 10 and len(passes._passes) == 8


def test_a_pass_that_does_not_fit_alone_raises():
    with pytest.raises(torch.OutOfMemoryError):
        Passes(room=0).run(16, 1.0)
