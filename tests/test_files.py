"""Files appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from spotfw import files
from spotfw.errors import SpotError
from tests.places import ROOT


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "a.bin"
    files.write_atomically(target, b"one")
    files.write_atomically(target, b"two")
    assert target.read_bytes() == b"two" == files.read_bytes(target)
    assert names(target.parent) == ["a.bin"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_failing_flush_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    target = tmp_path / "a.bin"
    files.write_atomically(target, b"old")

    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SpotError, match=r"a\.bin.*untouched") as caught:
        files.write_atomically(target, b"new")
    assert "\n" not in str(caught.value)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_full_disk_for_real(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(SpotError, match="Free space"):
            files.write_atomically(target, bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(SpotError, match="Could not write"):
        files.write_atomically(tmp_path / "f" / "a.bin", b"")


def test_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SpotError, match=r"Permission denied.*another place"):
        files.write_atomically(tmp_path / "x" / "a.bin", b"")


def test_leftovers_of_a_killed_writer_go(tmp_path: Path) -> None:
    target = tmp_path / "a[1].bin"
    code = (
        "import os, sys; from spotfw import files\n"
        "os.fsync = lambda _: os.kill(os.getpid(), 9)\n"
        "files.write_atomically(sys.argv[1], b'half')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert len(names(tmp_path)) == 1
    assert not target.exists()
    assert files.list_names(tmp_path) == []
    files.write_atomically(target, b"whole")
    assert names(tmp_path) == ["a[1].bin"]


def test_a_living_writers_part_stays(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    part = files._part_of(target)
    part.write_bytes(b"mine")
    files.write_atomically(target, b"x")
    assert part.exists()


def _write_many(path: str, letter: int) -> None:
    for _ in range(30):
        files.write_atomically(path, bytes([letter]) * 50_000)


def test_concurrent_writers_leave_one_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    files.write_atomically(target, b"a" * 50_000)
    context = multiprocessing.get_context("spawn")
    jobs = [context.Process(target=_write_many, args=(str(target), 97 + i)) for i in range(3)]
    for job in jobs:
        job.start()
    while any(job.is_alive() for job in jobs):
        data = target.read_bytes()
        assert len(data) == 50_000
        assert len(set(data)) == 1
    assert [job.exitcode for job in jobs] == [0, 0, 0]
    assert names(tmp_path) == ["a.bin"]


def test_new_folder_appears_at_once(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with files.new_folder(target) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "w").write_bytes(b"1")
        assert not target.exists()
    assert (target / "sub" / "w").read_bytes() == b"1"
    assert names(tmp_path) == ["model"]


def test_new_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError), files.new_folder(tmp_path / "model") as folder:
        (folder / "w").write_bytes(b"1")
        raise ValueError
    assert names(tmp_path) == []


def test_new_folder_refuses_to_overwrite(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with files.new_folder(tmp_path / "model") as folder:
        (folder / "w").write_bytes(b"1")
    with pytest.raises(SpotError, match="already exists"), files.new_folder(tmp_path / "model"):
        pass
    assert (tmp_path / "model" / "w").read_bytes() == b"1"


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpotError, match="no file"):
        files.read_bytes(tmp_path / "absent")
    assert files.list_names(tmp_path / "absent") == []


def test_join_and_remote() -> None:
    assert files.join("gs://bucket/x/", "a", "b") == "gs://bucket/x/a/b"
    assert files.join("x", "a") == os.path.join("x", "a")
    assert files.is_remote("gs://b/x")
    assert not files.is_remote(Path("/b/x"))


def test_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nearby(path: files.PathLike) -> Path:
        return Path(os.fspath(path).replace("gs://bucket", str(tmp_path)))

    monkeypatch.setattr(files, "_remote", nearby)
    files.write_atomically("gs://bucket/a.bin", b"x")
    assert files.read_bytes("gs://bucket/a.bin") == b"x"
    assert files.exists("gs://bucket/a.bin")
    assert files.list_names("gs://bucket") == ["a.bin"]
    with pytest.raises(SpotError, match="gs://bucket/absent"):
        files.read_bytes("gs://bucket/absent")


def test_a_bucket_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refuses:
        def write_bytes(self, data: bytes) -> None:
            raise RuntimeError("no\n\t such bucket")

    monkeypatch.setattr(files, "_remote", lambda path: Refuses())
    with pytest.raises(SpotError, match=r"no such bucket.*credentials"):
        files.write_atomically("gs://bucket/a.bin", b"x")


HOLD = (
    "import sys; from spotfw import files\n"
    "folder, shared, file = sys.argv[1], sys.argv[2] == 'shared', sys.argv[3] or None\n"
    "with files.locked(folder, shared=shared, file=file):\n"
    "    print('held', flush=True); sys.stdin.read()"
)


@contextlib.contextmanager
def holder(folder: Path, kind: str = "alone", file: str = "") -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a folder's lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), kind, file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        yield other
        other.kill()


@pytest.mark.parametrize("file", [None, ".lock"])
def test_a_lock_is_held_by_one_process(tmp_path: Path, file: str | None) -> None:
    folder = tmp_path / "deep" / "er"
    with holder(folder, file=file or "") as other:
        with (
            pytest.raises(SpotError, match=r"^Busy; come back later\.$"),
            files.locked(folder, busy="Busy; come back later.", file=file),
        ):
            pass
        other.kill()
        other.wait()
        # The operating system lets go of a killed process's lock.
        with files.locked(folder, busy="Busy.", file=file):
            pass
    assert names(folder) == ([] if file is None else [file])


def test_a_lock_is_shared_with_those_who_share_it(tmp_path: Path) -> None:
    with holder(tmp_path, "shared"):
        with files.locked(tmp_path, shared=True, busy="Busy."):
            pass
        with pytest.raises(SpotError, match="Busy"), files.locked(tmp_path, busy="Busy."):
            pass


def test_a_lock_is_waited_for_where_nothing_is_said_of_it(tmp_path: Path) -> None:
    with holder(tmp_path) as other:
        threading.Timer(0.2, other.kill).start()
        with files.locked(tmp_path):
            assert other.wait() == -signal.SIGKILL


def test_a_folder_that_cannot_be_locked_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    for place in (tmp_path / "f", tmp_path / "f" / "in"):
        for file in (None, ".lock"):
            with (
                pytest.raises(SpotError, match=r"The study's folder .*f.* cannot .*: .*Try\.$"),
                files.locked(place, what="study's folder", advice="Try.", file=file),
            ):
                pass


def test_where_there_are_no_locks_the_block_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    for folder in (tmp_path, "gs://bucket/x"):
        with files.locked(folder, busy="Busy."):
            ran = folder
    assert ran == "gs://bucket/x"
