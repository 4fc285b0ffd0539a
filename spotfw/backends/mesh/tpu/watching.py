"""A session on a TPU's workers that notices when they are gone.

TensorFlow waits for ever for a worker that was taken away, as a preempted one is. So each call is
made in a thread of its own, while the workers' ports are knocked at.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Sequence
from typing import Any

from spotfw.backends.mesh.compat import tf
from spotfw.errors import SpotError

#: Seconds between two looks at the workers, and that one may take to accept a connection.
PULSE = 10.0
#: Looks in vain, one after another, by which a worker is given up.
_IN_VAIN = 3

_GONE = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnavailableError,
)


class TpuSession:
    """A session whose end is told as what it is: the TPU was taken away.

    Args:
      session: TensorFlow's.
      name: of the TPU.
      addresses: ``HOST:PORT`` of its workers; none where it is this machine's.
      pulse: seconds between two looks at them.
    """

    def __init__(
        self, session: Any, name: str, addresses: Sequence[str] = (), pulse: float = PULSE
    ) -> None:
        self._session = session
        self._name = name
        self._addresses = addresses
        self._pulse = pulse
        self._lost = False

    def run(self, *arguments: Any, **options: Any) -> Any:
        """As TensorFlow's.

        Raises:
          SpotError: the TPU or the way to it is gone.
        """
        try:
            if not self._addresses:
                return self._session.run(*arguments, **options)
            return self._watched(*arguments, **options)
        except _GONE as error:
            self._lost = True
            raise _lost(self._name, first_line(error)) from error

    def close(self) -> None:
        """Closes the session; one whose TPU is gone cannot be reached to be closed."""
        if not self._lost:
            self._session.close()

    def _watched(self, *arguments: Any, **options: Any) -> Any:
        answers: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue()

        def call() -> None:
            try:
                answers.put((self._session.run(*arguments, **options), None))
            except BaseException as error:
                answers.put((None, error))

        threading.Thread(target=call, name=f"run on {self._name}", daemon=True).start()
        in_vain = 0
        while True:
            try:
                value, error = answers.get(timeout=self._pulse)
            except queue.Empty:
                silent = self._silent()
                in_vain = in_vain + 1 if silent else 0
                if in_vain < _IN_VAIN:
                    continue
                self._lost = True
                raise _lost(self._name, f"nothing answers at {silent} any more") from None
            if error is not None:
                raise error
            return value

    def _silent(self) -> str | None:
        """The first worker that does not answer."""
        for address in self._addresses:
            try:
                knock(address)
            except (OSError, ValueError):
                return address
        return None


def knock(address: str) -> None:
    """Connects to a worker and hangs up.

    Raises:
      OSError: nobody listens there.
      ValueError: it is no ``HOST:PORT``.
    """
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=PULSE).close()


def first_line(error: BaseException) -> str:
    """An error's first line that says something, in short.

    TensorFlow puts in front where in the graph's making the failing operation stands.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0] == "Graph execution error:":
        nodes = [number for number, line in enumerate(lines) if line.startswith("Node: ")]
        lines = lines[nodes[-1] + 1 :] if nodes else lines[1:]
    return (lines or [type(error).__name__])[0][:200].rstrip(".")


def _lost(name: str, why: str) -> SpotError:
    return SpotError(
        f"The TPU {name} is gone: {why}. A preemptible one may have been taken away, or its "
        "machine was restarted. The last checkpoint is kept: once the TPU is there again, go on "
        "with the same command and --resume."
    )
