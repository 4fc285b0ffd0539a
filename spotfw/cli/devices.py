"""What each engine's library sees of this machine's devices, asked in processes of their own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Literal

import attrs

#: Seconds that a library may take to start; a cold disk is slow.
TIMEOUT = 180

#: An NVIDIA driver makes this file for the first GPU.
NVIDIA = "/dev/nvidia0"

_TENSORFLOW = """
import json, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
import tensorflow_text
names = [d.name.replace("/physical_device:", "") for d in tf.config.list_physical_devices()]
print(json.dumps({"version": tf.__version__, "devices": names,
                  "accelerator": any("CPU" not in name for name in names)}))
"""

_TORCH = """
import json, torch
names, cuda = ["cpu"], torch.cuda.is_available()
for i in range(torch.cuda.device_count() if cuda else 0):
    seen = torch.cuda.get_device_properties(i)
    names.append(f"cuda:{i} ({seen.name}, {seen.total_memory / 2**30:.0f} GiB)")
mps = torch.backends.mps.is_available()
if mps:
    names.append("mps")
version = torch.__version__
if torch.version.cuda:
    version += f", built for CUDA {torch.version.cuda},"
print(json.dumps({"version": version, "devices": names, "accelerator": cuda or mps}))
"""


@attrs.frozen
class Library:
    """A library that finds devices.

    Attributes:
      name: of the check.
      package: that must be there for it to be asked.
      program: Python that prints JSON: version, devices, accelerator (is there one?).
      broken: what to do where it does not start.
      unseen: what to do where there is an NVIDIA GPU that it does not see.
    """

    name: str
    package: str
    program: str = attrs.field(repr=False)
    broken: str
    unseen: str


LIBRARIES = (
    Library(
        "tensorflow",
        "tensorflow",
        _TENSORFLOW,
        "Run make setup again; for what is wrong: python -c 'import tensorflow, tensorflow_text'",
        'For the backend mesh on it: pip install "tensorflow[and-cuda]==2.15.*"',
    ),
    Library(
        "torch",
        "torch",
        _TORCH,
        "Install PyTorch anew; for what is wrong: python -c 'import torch'",
        "For the backend torch on it, install a CUDA build of PyTorch that the driver knows: "
        "https://pytorch.org/get-started",
    ),
)


@attrs.frozen
class Seen:
    """What a library answered.

    Attributes:
      status: ``ok``, ``warn`` (a GPU is not seen) or ``bad`` (it does not start).
      text: version and devices, or what is wrong.
      mend: what to do, empty where all is well.
    """

    status: Literal["ok", "warn", "bad"]
    text: str
    mend: str = ""


def start(library: Library) -> subprocess.Popen[str] | None:
    """Starts to ask; None where the library is not installed."""
    if importlib.util.find_spec(library.package) is None:
        return None
    return subprocess.Popen(
        [sys.executable, "-c", library.program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read(library: Library, process: subprocess.Popen[str], timeout: float = TIMEOUT) -> Seen:
    """The answer, waited for up to `timeout` seconds."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Seen("bad", f"did not start in {timeout:.0f} s", library.broken)
    if process.returncode:
        last = (err.strip().splitlines() or ["no message"])[-1]
        return Seen("bad", f"does not import: {last[:200]}", library.broken)
    answer = json.loads(out.strip().splitlines()[-1])
    text = f"{answer['version']} with {', '.join(answer['devices'])}"
    if answer["accelerator"]:
        return Seen("ok", text)
    if os.path.exists(NVIDIA):
        return Seen("warn", f"{text}; the NVIDIA GPU here is not seen", library.unseen)
    return Seen("ok", f"{text}: no GPU on this machine, so the processor is used")
