"""A lock in a bucket: an object that its holder makes, renews and removes, each on a condition.

A bucket has no locks, but it writes and removes an object on condition of the object's
generation. Whoever makes the object where none was holds the lease. It is renewed while it is
held; left unrenewed by a holder that died, it can be taken over after `SECONDS`. Times are the
bucket's own, so that clocks of machines need not agree.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import os
import socket
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import attrs

from spotfw.errors import SpotError

#: A lease not renewed for so many seconds is its dead holder's.
SECONDS = 60.0
_TIMEOUT = 20.0
_CONFLICT, _ABSENT = 412, 404


@attrs.define
class Lease:
    """A lease that is held.

    Attributes:
      path: of the object.
      lost: whether another has taken it over, as after a pause longer than `SECONDS`.
    """

    path: str
    lost: bool = False

    def check(self) -> None:
        """Goes on only while the lease is held.

        Raises:
          SpotError: another process took it over.
        """
        if self.lost:
            raise SpotError(
                f"Another process has taken over {self.path}: this one did not renew it for "
                f"{SECONDS:.0f} s, as after a pause of the machine. Nothing was damaged; run it "
                "again."
            )


@contextlib.contextmanager
def leased(path: str, busy: str) -> Iterator[Lease]:
    """Holds a lease within the block.

    Args:
      path: ``gs://BUCKET/NAME`` of the object.
      busy: said where another process holds it.

    Raises:
      SpotError: it is held, or the bucket cannot be written.
    """
    objects = _Object.of(path)
    holder = json.dumps({"host": socket.gethostname(), "process": os.getpid()}).encode()
    generation = objects.write(holder, 0)
    if generation is None:
        state = objects.state()
        if state is not None and state.age < SECONDS:
            raise SpotError(f"{busy} A process that was killed lets go after {SECONDS:.0f} s.")
        generation = objects.write(holder, 0 if state is None else state.generation)
    if generation is None:
        raise SpotError(busy)
    lease, done = Lease(path), threading.Event()
    current = [generation]

    def renew() -> None:
        while not done.wait(SECONDS / 4):
            with contextlib.suppress(SpotError):  # the network comes back, or the lease ends
                renewed = objects.write(holder, current[0])
                if renewed is None:
                    lease.lost = True
                    return
                current[0] = renewed

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        done.set()
        thread.join(_TIMEOUT)
        if not lease.lost:
            with contextlib.suppress(SpotError):
                objects.remove(current[0])


@attrs.frozen
class _State:
    generation: int
    age: float


@attrs.frozen
class _Object:
    """An object of Google Cloud Storage, written on condition of its generation."""

    path: str
    session: Any
    endpoint: str
    bucket: str
    name: str

    @classmethod
    def of(cls, path: str) -> _Object:
        bucket, _, name = path.removeprefix("gs://").partition("/")
        session, endpoint = _session()
        return cls(path, session, endpoint, quote(bucket, safe=""), quote(name, safe=""))

    def write(self, data: bytes, generation: int) -> int | None:
        """Writes it where its generation is this one (0: absent); gives the new one, or None."""
        url = f"{self.endpoint}/upload/storage/v1/b/{self.bucket}/o?uploadType=media"
        url += f"&name={self.name}&ifGenerationMatch={generation}"
        answer = self._ask("POST", url, data=data)
        return None if answer.status_code == _CONFLICT else int(answer.json()["generation"])

    def state(self) -> _State | None:
        """Its generation and age by the bucket's clock; None where it is absent."""
        answer = self._ask("GET", self._url)
        if answer.status_code == _ABSENT:
            return None
        stored = answer.json()
        now = email.utils.parsedate_to_datetime(answer.headers["Date"])
        then = datetime.fromisoformat(stored["updated"].replace("Z", "+00:00"))
        return _State(int(stored["generation"]), (now - then).total_seconds())

    def remove(self, generation: int) -> None:
        """Removes it where its generation is this one."""
        self._ask("DELETE", f"{self._url}?ifGenerationMatch={generation}")

    @property
    def _url(self) -> str:
        return f"{self.endpoint}/storage/v1/b/{self.bucket}/o/{self.name}"

    def _ask(self, method: str, url: str, **rest: Any) -> Any:
        try:
            answer = self.session.request(method, url, timeout=_TIMEOUT, **rest)
            if answer.status_code not in (_CONFLICT, _ABSENT):
                answer.raise_for_status()
        except Exception as error:  # of requests, or of the credentials
            raise SpotError(
                f"Could not lock {self.path}: {type(error).__name__}: "
                f"{' '.join(str(error).split())[:200]}. Check the bucket's name, that you may "
                "write there, your credentials and the network."
            ) from error
        if answer.status_code == _ABSENT and method == "POST":
            raise SpotError(f"There is no bucket {self.bucket}, where {self.path} would be kept.")
        return answer


def _session() -> tuple[Any, str]:
    """What asks the bucket, and where: `STORAGE_EMULATOR_HOST`, or Google's own."""
    emulator = os.environ.get("STORAGE_EMULATOR_HOST")
    try:
        if emulator:
            import requests

            return requests.Session(), emulator.rstrip("/")
        import google.auth
        from google.auth.transport.requests import AuthorizedSession

        credentials, _ = google.auth.default(
            scopes=["https://www.googleapis.com/auth/devstorage.read_write"]
        )
        session: Any = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        return session, "https://storage.googleapis.com"
    except ImportError as error:
        raise SpotError(
            "A lock in a bucket needs the packages google-auth and requests, which are not "
            "installed here: pip install google-auth requests."
        ) from error
    except Exception as error:
        raise SpotError(
            f"There are no credentials for Google Cloud: {' '.join(str(error).split())[:200]} "
            "Run `gcloud auth application-default login`."
        ) from error
