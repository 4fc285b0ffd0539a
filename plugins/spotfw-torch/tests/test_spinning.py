"""Threads spin briefly by default, and as the user says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

FIRST_USE = "import os, spotfw_torch; spotfw_torch.load; print(os.environ.get('GOMP_SPINCOUNT'))"


@pytest.mark.parametrize(
    ("said", "count"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "5"}, "5"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")],
)
def test_the_count_is_set_before_pytorch_is_imported(said: dict[str, str], count: str) -> None:
    own = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}
    environment = {name: value for name, value in os.environ.items() if name not in own} | said
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    command = [sys.executable, "-c", FIRST_USE]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.stdout.strip() == count, ran.stderr


def test_listing_the_backend_sets_nothing() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    look = "import os, spotfw_torch.plugin; print('GOMP_SPINCOUNT' in os.environ)"
    ran = subprocess.run([sys.executable, "-c", look], env=environment, capture_output=True)
    assert ran.stdout.split() == [b"False"], ran.stderr
