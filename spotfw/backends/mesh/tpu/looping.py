"""Several updates in one run of a program: a loop on the device, whose batches come with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.programs import Feed, Tensors

#: The feed that says how many of the updates to do.
UPDATES = "updates"


def stacked(feeds: Mapping[str, Feed], updates: int) -> dict[str, Feed]:
    """Feeds of so many updates at once, and of how many to do, int32 []."""
    many = {n: Feed(dtype=f.dtype, shape=(updates, *f.shape)) for n, f in feeds.items()}
    return {**many, UPDATES: Feed(dtype=tf.int32, shape=())}


def looped(
    once: Callable[[Tensors], tuple[Mapping[str, Any], Any]],
    feeds: Tensors,
    updates: int,
    shapes: Mapping[str, Sequence[int]],
) -> dict[str, Any]:
    """Does updates one after another; call it within `classic_control_flow`.

    Args:
      once: for an update's feeds, its results, float32, and the operation that updates.
      feeds: of `stacked`.
      updates: most that are done.
      shapes: of the results.

    Returns:
      Each result [updates, ...]; zeros where an update was not done.
    """
    fed = {name: tensor for name, tensor in feeds.items() if name != UPDATES}

    def body(index: Any, *kept: Any) -> list[Any]:
        results, update = once({name: tensor[index] for name, tensor in fed.items()})
        with tf.control_dependencies([update]):
            at = tf.one_hot(index, updates, dtype=tf.float32)
            rows = [
                before + tf.reshape(at, [-1, *[1] * len(shape)]) * results[name][None]
                for before, (name, shape) in zip(kept, shapes.items(), strict=True)
            ]
            return [index + 1, *rows]

    start = [tf.constant(0), *(tf.zeros([updates, *shape]) for shape in shapes.values())]
    _, *rows = tf.while_loop(
        lambda index, *kept: index < feeds[UPDATES], body, start, parallel_iterations=1
    )
    return dict(zip(shapes, rows, strict=True))


@contextlib.contextmanager
def classic_control_flow() -> Iterator[None]:
    """A context in which a loop's body is built in the graph itself.

    Mesh TF makes variables in it and leaves it for that, which a function's graph does not allow.
    """
    new = tf.control_flow_v2_enabled()
    tf.disable_control_flow_v2()
    try:
        yield
    finally:
        if new:
            tf.enable_control_flow_v2()
