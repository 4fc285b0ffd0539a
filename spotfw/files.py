"""Files that appear whole or not at all, on a local disk or a bucket.

Locally a file is written under another name in its folder, flushed to the disk and renamed: a
reader sees the old bytes or the new ones, never a part, whatever kills the writer. An object
in a bucket (``gs://``) already appears only once its upload ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spotfw.errors import SpotError
from spotfw.reading import MOST, Unreadable, read_regular, too_long

PathLike = str | os.PathLike[str]

#: Leftovers of another machine's writers are taken for abandoned after this many seconds.
_STALE_SECONDS = 24 * 3600
_PART = ".part"


def is_remote(path: PathLike) -> bool:
    """Whether the path names a bucket (``gs://...``) and not this machine's disk."""
    return "://" in os.fspath(path)


def write_atomically(path: PathLike, data: bytes, *, tidy: bool = True) -> None:
    """Writes a file so that it appears whole or not at all, making its folder if needed.

    Args:
      tidy: take away leftovers of writers of the same file that were killed, for which the
        whole folder is listed.

    Raises:
      SpotError: the disk is full, the folder cannot be written, the bucket refuses; what
        was at `path` before is untouched.
    """
    if is_remote(path):
        with _explained("write", path):
            _remote(path).write_bytes(data)
        return
    target = Path(path)
    with _explained("write", path):
        target.parent.mkdir(parents=True, exist_ok=True)
        if tidy:
            _clear_leftovers(target)
        part = _part_of(target)
        try:
            with part.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _flush(target.parent)


@contextlib.contextmanager
def new_folder(path: PathLike) -> Iterator[Path | Any]:
    """Gives a folder to fill, which appears at `path` once the block ends well.

    Locally the folder is filled under another name and renamed; when the block raises,
    nothing remains. A bucket cannot rename a folder at once: there the block fills
    `path` itself, and should write last the file by which a reader knows it is whole.

    Raises:
      SpotError: something is already at `path`, or it cannot be written.
    """
    if is_remote(path):
        yield _remote(path)
        return
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SpotError(
            f"The folder {target} already exists and is not empty; nothing was changed. "
            "Name another folder, or remove this one first."
        )
    with _explained("write", path):
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(target)
        part = _part_of(target)
        part.mkdir()
    try:
        yield part
        with _explained("write", path):
            for folder, _, names in os.walk(part):
                for name in (*names, "."):
                    _flush(Path(folder, name))
            part.replace(target)
            _flush(target.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


@contextlib.contextmanager
def locked(
    folder: PathLike,
    *,
    shared: bool = False,
    busy: str | None = None,
    what: str = "folder",
    advice: str = "Give yourself permission there, or name another folder.",
    file: str | None = None,
) -> Iterator[None]:
    """Holds a folder's lock within the block; the folder is made if needed.

    It is the operating system's own lock, which ends with the process however that ends. A
    bucket, and a file system without locks, give none: there the block runs unlocked.

    Args:
      shared: hold it together with others who share it; otherwise alone.
      busy: raised at once where another process holds the lock; without it, that is waited for.
      what, advice: the folder in words, and what to do where it cannot be opened or made.
      file: locked in place of the folder itself, in which it is made and stays; network file
        systems lock only files.

    Raises:
      SpotError: the folder cannot be opened or made, or it is `busy`.
    """
    if is_remote(folder):
        yield
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        flags = os.O_RDONLY | os.O_DIRECTORY if file is None else os.O_RDWR | os.O_CREAT
        handle = os.open(folder if file is None else join(folder, file), flags, 0o666)
    except OSError as error:
        place = f"The {what} {os.fspath(folder)}"
        raise SpotError(f"{place} cannot be written: {error.strerror}. {advice}") from error
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            try:
                fcntl.flock(handle, kind if busy is None else kind | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SpotError(busy) from error
        yield
    finally:
        os.close(handle)


def read_bytes(path: PathLike, most: int = MOST) -> bytes:
    """The bytes of a regular file, local or remote.

    Args:
      most: bytes it may have.

    Raises:
      SpotError: it is absent, not a regular file, larger, or cannot be read.
    """
    with _explained("read", path):
        if not is_remote(path):
            return read_regular(path, most)
        with _remote(path).open("rb") as stream:
            data: bytes = stream.read(most + 1)
        if len(data) > most:
            raise too_long(most)
        return data


def remove(path: PathLike) -> None:
    """Removes a file; nothing happens where there is none.

    Raises:
      SpotError: the folder cannot be written, the bucket refuses.
    """
    with _explained("remove", path):
        (_remote(path) if is_remote(path) else Path(path)).unlink(missing_ok=True)


def list_leftovers(folder: PathLike) -> list[str]:
    """Names of unfinished files in a local folder whose writers are dead, sorted."""
    if is_remote(folder):
        return []
    with _explained("read", folder):
        parts = [p for p in Path(folder).glob(f".*{_PART}") if p.is_file()]
    here = f".{socket.gethostname()}-"
    tags = (p.name[p.name.rfind(here) + 1 : -len(_PART)] if here in p.name else "" for p in parts)
    pairs = zip(parts, tags, strict=True)
    return sorted(part.name for part, tag in pairs if not _still_written(part, tag))


def list_names(folder: PathLike) -> list[str]:
    """Names in a folder, sorted, without leftovers of writers; empty where it is absent.

    Raises:
      SpotError: it is not a folder or cannot be read.
    """
    place = _remote(folder) if is_remote(folder) else Path(folder)
    with _explained("read", folder):
        names = (p.name for p in place.iterdir()) if place.exists() else ()
        return sorted(name for name in names if not name.endswith(_PART))


def join(folder: PathLike, *names: str) -> str:
    """A path inside a folder, local or remote."""
    if is_remote(folder):
        return "/".join([os.fspath(folder).rstrip("/"), *names])
    return str(Path(folder, *names))


def exists(path: PathLike) -> bool:
    """Whether there is a file or folder."""
    with _explained("read", path):
        return bool(_remote(path).exists() if is_remote(path) else Path(path).exists())


def user_cache() -> Path:
    """Where things are kept that can be made again: ``$XDG_CACHE_HOME/spotfw``.

    Raises:
      RuntimeError: the user has no home.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spotfw"


def _remote(path: PathLike) -> Any:
    from etils import epath  # loads TensorFlow for a bucket

    return epath.Path(os.fspath(path))


def _part_of(target: Path) -> Path:
    """A name in the target's folder that says who writes: .NAME.HOST-PID-RANDOM.part."""
    tag = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    return target.with_name(f".{target.name}.{tag}{_PART}")


def _clear_leftovers(target: Path) -> None:
    for part in target.parent.glob(f".{glob.escape(target.name)}.*{_PART}"):
        tag = part.name[len(target.name) + 2 : -len(_PART)]
        if not _still_written(part, tag):
            shutil.rmtree(part, ignore_errors=True)  # of a folder
            with contextlib.suppress(OSError):
                part.unlink()


def _still_written(part: Path, tag: str) -> bool:
    host, _, rest = tag.rpartition("-")[0].rpartition("-")
    if host == socket.gethostname() and rest.isdigit():
        try:
            os.kill(int(rest), 0)
        except (OSError, OverflowError) as error:
            return not isinstance(error, ProcessLookupError)
        return True
    try:
        return time.time() - part.stat().st_mtime < _STALE_SECONDS
    except OSError:
        return True


def _flush(path: Path) -> None:
    """Flushes a file or a folder's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # some network file systems cannot flush a folder
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


@contextlib.contextmanager
def _explained(verb: str, path: PathLike) -> Iterator[None]:
    """Raises an operating system's error as a `SpotError` of a single paragraph."""
    try:
        yield
    except OSError as error:
        raise SpotError(_paragraph(verb, path, error)) from error
    except Exception as error:
        if isinstance(error, SpotError) or not is_remote(path):
            raise
        what = " ".join(str(error).split())
        raise SpotError(
            f"Could not {verb} {os.fspath(path)}: {type(error).__name__}: {what}. Check the "
            "bucket's name, your credentials and the network."
        ) from error


def _paragraph(verb: str, path: PathLike, error: OSError) -> str:
    where, why = os.fspath(path), error.strerror or str(error)
    if isinstance(error, FileNotFoundError) and verb == "read":
        return f"There is no file {where}. Check the path."
    if isinstance(error, Unreadable):
        return f"The file {where} is not read: {why}. Check that it is the right one."
    advice = "Check the path."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        why = f"the disk is full or a quota or size limit is reached ({why})"
        advice = "Free space there, then run again."
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = "Give yourself permission there, or name another place."
    kept = " What stood there before is untouched." if verb == "write" else ""
    return f"Could not {verb} {where}: {why}.{kept} {advice}"
