"""A small server that speaks as much of the Hugging Face hub as spotfw asks for, in memory.

Files come in the commits themselves: it calls none of them large.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_the_tests"


class HubServer:
    """Repositories at `address`; `files` may be looked at and changed, `asked` are the requests."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def commit_of(self, repo: str) -> str:
        """The hash of a repository's present state."""
        state = hashlib.sha1(repo.encode())
        for name, data in sorted(self.files[repo].items()):
            state.update(name.encode() + hashlib.sha1(data).digest())
        return state.hexdigest()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may keep its connection


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _handler_of(hub: HubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            return

        def do_HEAD(self) -> None:
            self._answer(send_body=False)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self, send_body: bool = True) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path}")
            status, headers, data = self._reply(path, body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if send_body:
                self.wfile.write(data)

        def _reply(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
            writes = self.command == "POST" and path != "/api/validate-yaml"
            if writes and self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return 401, {}, b"{}"
            if path == "/api/validate-yaml":
                return _json({"errors": [], "warnings": []})
            if path == "/api/repos/create":
                return self._create(json.loads(body))
            if matched := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(\w+)/(.+))?", path):
                repo, what = matched[1], matched[2]
                if repo not in hub.files:
                    return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
                if what == "preupload":
                    return self._preupload(repo, json.loads(body))
                if what == "commit":
                    return self._commit(repo, body)
                if matched[3] not in (None, "main", hub.commit_of(repo)):
                    return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
                return self._tree(repo) if what == "tree" else self._info(repo)
            if matched := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                return self._file(matched[1], matched[3])
            return 404, {}, b"{}"

        def _create(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
            repo = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            if repo in hub.files:
                return 409, {}, json.dumps({"url": f"{hub.address}/{repo}"}).encode()
            hub.files[repo] = {".gitattributes": b"*.safetensors filter=lfs\n"}
            return _json({"url": f"{hub.address}/{repo}"})

        def _info(self, repo: str) -> tuple[int, dict[str, str], bytes]:
            siblings = [
                {"rfilename": name, "size": len(data), "blobId": _blob(data)}
                for name, data in hub.files[repo].items()
            ]
            return _json({"id": repo, "sha": hub.commit_of(repo), "siblings": siblings})

        def _tree(self, repo: str) -> tuple[int, dict[str, str], bytes]:
            return _json(
                [
                    {"type": "file", "path": name, "size": len(data), "oid": _blob(data)}
                    for name, data in hub.files[repo].items()
                ]
            )

        def _preupload(self, repo: str, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in asked["files"]
            ]
            return _json({"files": files})

        def _commit(self, repo: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    value = entry["value"]
                    hub.files[repo][value["path"]] = base64.b64decode(value["content"])
            oid = hub.commit_of(repo)
            url = f"{hub.address}/{repo}/commit/{oid}"
            return _json({"success": True, "commitOid": oid, "commitUrl": url})

        def _file(self, repo: str, name: str) -> tuple[int, dict[str, str], bytes]:
            data = hub.files.get(repo, {}).get(name)
            if data is None:
                return 404, {"X-Error-Code": "EntryNotFound"}, b""
            return 200, {"ETag": f'"{_blob(data)}"', "X-Repo-Commit": hub.commit_of(repo)}, data

    return Handler


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()
