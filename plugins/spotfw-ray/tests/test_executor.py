"""The executor's promises, and what a cluster adds to them."""

from __future__ import annotations

import time

import pytest

REASON = "Ray is not installed: pip install ./plugins/spotfw-ray"
pytest.importorskip("ray", reason=REASON)

from ray.exceptions import AuthenticationError  # noqa: E402

from spotfw.contracts import JobEnded, WorkerStart  # noqa: E402
from spotfw.errors import SpotError, WrongUse  # noqa: E402
from spotfw.testing import check_executor  # noqa: E402
from spotfw.testing.executor_jobs import START  # noqa: E402
from spotfw_ray.cluster import connect  # noqa: E402
from spotfw_ray.executor import Ray  # noqa: E402
from spotfw_ray.plain import pack  # noqa: E402

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


@pytest.mark.parametrize("resources", [{"gpus": 1.5}, {"CPU": 1.0}, {"GPU": 1.0}])
def test_a_resource_that_ray_cannot_set_aside(cluster, tmp_path, resources):
    start = WorkerStart(START, {"folder": str(tmp_path)})
    with pytest.raises(WrongUse, match=r"for a worker.*called cpus, gpus and memory"):
        Ray(address=cluster.address, workers=1).open(start, jobs=1, resources=resources)


def test_a_client_s_address_is_refused(tmp_path):
    start = WorkerStart(START, {"folder": str(tmp_path)})
    with pytest.raises(WrongUse, match="on a machine of the cluster"):
        Ray(address="ray://127.0.0.1:10001").open(start, jobs=1)


def test_a_cluster_that_lets_nobody_in(monkeypatch):
    def init(**options):
        raise AuthenticationError("No token was given.")

    monkeypatch.setattr("ray.init", init)
    with pytest.raises(SpotError, match="this machine cannot be reached: No token was given"):
        connect(None)


@pytest.mark.parametrize("variable", [None, "10.0.0.5:6379"])
def test_without_an_address_no_cluster_that_runs_here_is_joined(monkeypatch, variable):
    # Not begun in earnest: a process of Ray's that changes clusters loses its actors.
    asked = []
    monkeypatch.setattr("ray.init", lambda **options: asked.append(options["address"]))
    monkeypatch.setattr("spotfw_ray.cluster._check_reachable", lambda address: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable is not None:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    assert connect(None).own
    assert asked == [variable or "local"]


def test_a_node_with_another_version_ends_the_run(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("spotfw_ray.pool.__version__", "0.0.1")
    start = WorkerStart(START, {"folder": str(tmp_path)})
    pool = Ray(address=cluster.address).open(start, jobs=1)
    try:
        pool.submit("never", {"do": "echo", "name": "never", "value": 1})
        with pytest.raises(SpotError, match=r"has spotfw \S+, and this process 0\.0\.1"):
            _ended(pool, "never")
    finally:
        pool.close()


def test_a_node_on_which_no_worker_can_begin_ends_the_run(cluster, tmp_path):
    start = WorkerStart(START, {"folder": str(tmp_path)})
    pool = Ray(address=cluster.address).open(start, jobs=1)
    pool._start = pack({"unlike": "a start"})
    try:
        pool.submit("never", {"do": "echo", "name": "never", "value": 1})
        with pytest.raises(SpotError, match="cannot begin on its node: TypeError"):
            _ended(pool, "never")
    finally:
        pool.close()


def test_settings_that_cannot_be_used():
    with pytest.raises(WrongUse, match="workers"):
        Ray(workers=0)
