"""The executor's promises, and what a cluster adds to them."""

from __future__ import annotations

import time

import pytest

REASON = "Ray is not installed: pip install ./plugins/spotfw-ray"
pytest.importorskip("ray", reason=REASON)

from spotfw.contracts import JobEnded, WorkerStart  # noqa: E402
from spotfw.errors import SpotError, WrongUse  # noqa: E402
from spotfw.testing import check_executor  # noqa: E402
from spotfw.testing.executor_jobs import START  # noqa: E402
from spotfw_ray.executor import Ray  # noqa: E402

pytestmark = pytest.mark.slow


def _ended(pool, *keys, seconds=120.0):
    ends = {}
    last = time.monotonic()
    while set(ends) != set(keys):
        for event in pool.wait(1.0):
            last = time.monotonic()
            if isinstance(event, JobEnded):
                assert event.key not in ends, f"{event.key} ended twice"
                ends[event.key] = event
        assert time.monotonic() - last < seconds, f"only {sorted(ends)} ended"
    return ends


def test_the_promises_of_an_executor(cluster):
    check_executor(Ray(address=cluster.address), seconds=180.0)


def test_a_node_that_dies_takes_its_jobs_with_it_and_no_others(cluster, tmp_path):
    node = cluster.add_node(num_cpus=1, resources={"doomed": 1})
    cluster.wait_for_nodes()
    start = WorkerStart(START, {"folder": str(tmp_path), "patience": 60.0})
    here = Ray(address=cluster.address)
    doomed = here.open(start, jobs=1, resources={"doomed": 1})
    try:
        doomed.submit("lost", {"do": "meet", "leave": "begun", "await": ["never"]})
        while not (tmp_path / "begun").exists():
            doomed.wait(0.2)
        cluster.remove_node(node, allow_graceful=False)
        end = _ended(doomed, "lost")["lost"]
        assert end.lost and "gone" in end.error
    finally:
        doomed.close()
    pool = here.open(start, jobs=2)
    try:
        pool.submit("next", {"do": "echo", "name": "next", "value": 7})
        assert _ended(pool, "next")["next"].result == 7
    finally:
        pool.close()


def test_a_resource_that_no_node_has(cluster, tmp_path):
    start = WorkerStart(START, {"folder": str(tmp_path)})
    with pytest.raises(SpotError, match=r"needs 1 cpus, 8 gpus; the cluster has \d CPU"):
        Ray(address=cluster.address).open(start, jobs=1, resources={"gpus": 8})


def test_a_cluster_that_is_not_there(tmp_path):
    start = WorkerStart(START, {"folder": str(tmp_path)})
    with pytest.raises(SpotError, match=r"127\.0\.0\.1:9 cannot be reached.*ray start --head"):
        Ray(address="127.0.0.1:9").open(start, jobs=1)


def test_settings_that_cannot_be_used():
    with pytest.raises(WrongUse, match="workers"):
        Ray(workers=0)
