"""A component sent to another process, as workers of a study receive theirs.

The other process is a fresh Python with another hash seed, so that an answer that depends on the
order of a set, on an object's address or on anything set up by hand comes out different.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from spotfw.testing.suites import expect

_SECONDS = 300
#: Set in the other process, which must not start a third.
_MARK = "SPOTFW_TESTING_ELSEWHERE"
_PROGRAM = "from spotfw.testing.processes import _answer; _answer()"


def ask_elsewhere(probe: Callable[[Any], Any], component: Any, what: str) -> Any:
    """What ``probe(component)`` gives in another process, as plain JSON values.

    Fails the check when the component cannot be sent there or the probe raises there.

    Args:
      probe: a function of a module, which gives JSON values.
      component: goes there by pickle, alone or within a value.
      what: the component's name.
    """
    try:
        sent = pickle.dumps((probe, component))
    except Exception as error:
        expect(
            False,
            f"expected {what!r} to be picklable, so that other processes can use it, but "
            f"{_line(error)}; keep lambdas, local functions and open files out of its attributes.",
        )
    expect(
        _MARK not in os.environ,
        f"expected the check of {what!r} within a test, but it runs while its module is imported, "
        "and so again in the other process; call it in a function.",
    )
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONHASHSEED": _other_seed(),
        _MARK: "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], input=sent, capture_output=True, env=env, timeout=_SECONDS
    )
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"])[-1]
        answer = {"error": f"it ended with status {done.returncode}, saying {last:.300}"}
    expect(
        "error" not in answer,
        f"expected {what!r} to work in another process, but there {answer.get('error')}; its class "
        "must stand in a module that other processes can import.",
    )
    return answer["value"]


def here(probe: Callable[[Any], Any], component: Any) -> Any:
    """What `ask_elsewhere` would give, from this process."""
    return json.loads(json.dumps(probe(component)))


def _other_seed() -> str:
    return "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split()):.200}"


def _answer() -> None:
    """The other process: reads a probe and a component, writes one line of JSON."""
    # What a component prints must not mix with the answer.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        # Only ever what this module's other half has just written into the pipe.
        probe, component = pickle.load(sys.stdin.buffer)
        answer = {"value": probe(component)}
        text = json.dumps(answer)
    except Exception as error:
        text = json.dumps({"error": _line(error)})
    out.write(f"{text}\n")
    out.flush()
