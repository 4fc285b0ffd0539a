"""A bucket on this machine: what the tests need of Google Cloud Storage's JSON interface."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Bucket(ThreadingHTTPServer):
    """Objects by name, each with a generation and the time of its last write.

    Attributes:
      objects: name -> (generation, content, time).
      skew: added to the server's clock.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, tuple[int, bytes, datetime]] = {}
        self.skew = timedelta(0)
        self.generation = 0
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + self.skew


class _Handler(BaseHTTPRequestHandler):
    server: Bucket

    def do_POST(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        data = self.rfile.read(int(self.headers["Content-Length"]))
        name = query["name"][0]
        with self.server.guard:
            if not self._matches(name, query):
                return self._answer(412, {})
            self.server.generation += 1
            self.server.objects[name] = (self.server.generation, data, self.server.now())
            self._answer(200, {"generation": str(self.server.generation)})
        return None

    def do_GET(self) -> None:
        name = unquote(urlsplit(self.path).path.rpartition("/o/")[2])
        if name not in self.server.objects:
            return self._answer(404, {})
        generation, _, updated = self.server.objects[name]
        stamp = updated.isoformat().replace("+00:00", "Z")
        return self._answer(200, {"generation": str(generation), "updated": stamp})

    def do_DELETE(self) -> None:
        parts = urlsplit(self.path)
        name = unquote(parts.path.rpartition("/o/")[2])
        with self.server.guard:
            if not self._matches(name, parse_qs(parts.query)):
                return self._answer(412, {})
            del self.server.objects[name]
        return self._answer(204, {})

    def _matches(self, name: str, query: dict[str, list[str]]) -> bool:
        there = self.server.objects.get(name, (0,))[0]
        return int(query["ifGenerationMatch"][0]) == there

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode() if status == 200 else b""
        self.send_response_only(status)
        self.send_header("Date", format_datetime(self.server.now(), usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def bucket() -> Iterator[Bucket]:
    """A server on a free port."""
    with Bucket() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
