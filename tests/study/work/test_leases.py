"""Locks in a bucket, against a server of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

pytest.importorskip("requests", reason="requests is not installed")

from spotfw.errors import SpotError
from spotfw.study.work import leases
from spotfw.study.work.leases import leased
from tests.study.bucket import Bucket, bucket

PATH = "gs://bucket/a study/.lock"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with bucket() as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
        yield running


def test_a_lease_is_held_by_one_process_and_then_free(server: Bucket) -> None:
    with leased(PATH, "It is busy."):
        assert list(server.objects) == ["a study/.lock"]
        with (
            pytest.raises(SpotError, match=r"It is busy\. .* after 60 s"),
            leased(PATH, "It is busy."),
        ):
            pass
    assert not server.objects
    with leased(PATH, "busy"):
        pass


def test_of_many_at_once_a_single_process_holds_it(server: Bucket) -> None:
    inside, most = [], []

    def hold(number: int) -> bool:
        try:
            with leased(PATH, "busy"):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)
        except SpotError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        held = list(threads.map(hold, range(40)))
    assert any(held) and max(most) == 1


def test_a_dead_holders_lease_is_taken_over(server: Bucket) -> None:
    dead = leased(PATH, "busy")
    lease = dead.__enter__()
    server.skew += timedelta(seconds=leases.SECONDS + 1)
    with leased(PATH, "busy") as taken:
        taken.check()
        dead.__exit__(None, None, None)
        assert server.objects, "the first holder removed what is another's now"
    assert not server.objects
    assert not lease.lost  # it ended before it could notice


def test_a_lease_is_renewed_and_its_loss_is_noticed(
    server: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "SECONDS", 0.2)
    with leased(PATH, "busy") as lease:
        first = server.objects["a study/.lock"][0]
        _until(lambda: server.objects["a study/.lock"][0] > first)
        lease.check()
        with server.guard:
            server.generation += 1
            server.objects["a study/.lock"] = (server.generation, b"another", server.now())
        _until(lambda: lease.lost)
        with pytest.raises(SpotError, match="taken over"):
            lease.check()
    assert server.objects["a study/.lock"][1] == b"another"


def test_a_bucket_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    with pytest.raises(SpotError, match="Could not lock gs://bucket"), leased(PATH, "busy"):
        pass


def _until(true: object) -> None:
    import time

    assert callable(true)
    for _ in range(2000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")
