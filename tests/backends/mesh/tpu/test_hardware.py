"""TPU slices by their names."""

from __future__ import annotations

import pytest

from spotfw.backends.mesh.tpu.hardware import Topology
from spotfw.errors import WrongUse


@pytest.mark.parametrize(
    ("name", "devices", "hosts", "shape"),
    [
        ("v2-8", 8, 1, (2, 2, 1, 2)),
        ("v3-8", 8, 1, (2, 2, 1, 2)),
        ("v3-32", 32, 4, (4, 4, 1, 2)),
        ("V3-512", 512, 64, (16, 16, 1, 2)),
        ("v4-8", 4, 1, (2, 2, 1, 1)),
        ("v4-32", 16, 4, (2, 2, 4, 1)),
    ],
)
def test_a_slice_is_what_google_makes_it(
    name: str, devices: int, hosts: int, shape: tuple[int, ...]
) -> None:
    topology = Topology.parse(name)
    assert (topology.devices, topology.hosts, topology.mesh_shape) == (devices, hosts, shape)


@pytest.mark.parametrize("name", ["v3", "v3-9", "v9-8", "2x2", "v3-8; rm", ""])
def test_another_name_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(WrongUse, match=r"v3-8|v2, v3, v4"):
        Topology.parse(name)


def test_the_mesh_is_t5s_with_an_axis_for_a_cohort() -> None:
    topology = Topology.parse("v3-32")
    assert topology.mesh_of(1) == "batch:32"
    assert topology.mesh_of(8) == "batch:4,model:8"
    assert topology.mesh_of(32) == "model:32"
    assert topology.mesh_of(2, cohort=8) == "cohort:8,batch:2,model:2"
    with pytest.raises(WrongUse, match="cannot be 5 to a model"):
        topology.mesh_of(5)
