"""A small stand-in for the Hub's HTTP API on loopback: enough for the real client to publish.

It keeps repositories in memory, checks the token, and can be told to fail.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

TOKEN = "hf_secretsecretsecret"
_REPO = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"


@dataclass
class Fault:
    """What happens instead of an answer to the next `times` requests that match.

    `status` 0 drops the connection; with `late`, after the request was served.
    """

    method: str
    path: str
    status: int
    times: int = 1
    late: bool = False
    message: str = "out of order"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Repo:
    """A data set: its commits (all their files, by commit), branches, tags, pull requests."""

    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def files(self, revision: str) -> dict[str, bytes]:
        known = {**self.refs, **self.tags}
        return self.commits[known.get(revision, revision)]

    def commit(self, files: dict[str, bytes], ref: str) -> str:
        text = f"{len(self.commits)} {sorted((name, digest(data)) for name, data in files.items())}"
        oid = hashlib.sha1(text.encode()).hexdigest()
        self.commits[oid] = files
        self.refs[ref] = oid
        return oid


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\x00" % len(data) + data).hexdigest()


class FakeHub:
    """The server; `with FakeHub() as hub:` serves at `hub.url`.

    `lfs` is what goes to large storage: with False everything is a small file.
    """

    def __init__(self, lfs: bool = True) -> None:
        self.lfs = lfs
        self.repos: dict[str, Repo] = {}
        self.stored: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.uploads: list[str] = []
        self.lock = threading.Lock()

        class Handler(_Handler):
            hub = self

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for one in self.faults:
                if one.times and one.method == method and re.search(one.path, path):
                    one.times -= 1
                    return one
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_HEAD = do_GET

    def _serve(self) -> None:
        body = self._body()
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.hub.requests.append(f"{self.command} {path}")
        fault = self.hub.fault(self.command, path)
        if fault is not None and not fault.late:
            self._fail(fault)
            return
        open_to_all = path.startswith(("/lfs/", "/api/validate-yaml"))
        if not open_to_all and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say(401, {"error": "Invalid username or password."})
            return
        with self.hub.lock:
            status, answer = self._answer(path, parse_qs(url.query), body)
        if fault is not None:
            self._fail(fault)
        else:
            self._say(status, answer)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _fail(self, fault: Fault) -> None:
        if fault.status:
            self._say(fault.status, {"error": fault.message}, fault.headers)
            return
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _say(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if isinstance(answer, bytes):
            self.send_header("ETag", f'"{blob(answer)}"')
            self.send_header("X-Repo-Commit", self.commit)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _answer(self, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        routes: list[tuple[str, str, Callable[..., tuple[int, Any]]]] = [
            ("POST", r"/api/repos/create", self._create),
            ("POST", r"/api/validate-yaml", self._validate),
            ("POST", rf"{_REPO}/preupload/(?P<revision>.+)", self._preupload),
            ("POST", rf"{_REPO}/commit/(?P<revision>.+)", self._commit),
            ("POST", rf"{_REPO}/tag/(?P<revision>.+)", self._tag),
            ("POST", rf"{_REPO}/discussions", self._discuss),
            ("GET", rf"{_REPO}/refs", self._refs),
            ("GET", rf"{_REPO}/tree/(?P<revision>[^/]+)(/(?P<folder>.*))?", self._tree),
            ("POST", rf"{_REPO}/paths-info/(?P<revision>.+)", self._paths),
            ("GET", rf"{_REPO}(/revision/(?P<revision>.+))?", self._info),
            ("POST", r"/datasets/(?P<repo>.+)\.git/info/lfs/objects/batch", self._batch),
            ("PUT", r"/lfs/upload/(?P<oid>\w+)", self._store),
            ("POST", r"/lfs/verify", lambda **_: (200, {})),
            ("*", r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)",
             self._resolve),
        ]  # fmt: skip
        for method, pattern, serve in routes:
            found = re.fullmatch(pattern, path)
            if found and method in (self.command, "*"):
                return serve(query=query, body=body, **found.groupdict())
        return 404, {"error": f"no {self.command} {path} here"}

    def _create(self, body: bytes, **_: Any) -> tuple[int, Any]:
        given = json.loads(body)
        name = f"{given['organization']}/{given['name']}"
        url = f"{self.hub.url}/datasets/{name}"
        if name in self.hub.repos:
            return 409, {"error": "You already created this dataset repo", "url": url}
        repo = self.hub.repos[name] = Repo(given.get("visibility") == "private")
        repo.commit({".gitattributes": b"*.parquet filter=lfs\n"}, "main")
        return 200, {"url": url}

    def _validate(self, body: bytes, **_: Any) -> tuple[int, Any]:
        good = json.loads(body)["content"].startswith("---\n")
        return (200, {"errors": [], "warnings": []}) if good else (400, {"error": "no metadata"})

    def _large(self, name: str) -> bool:
        return self.hub.lfs and name.endswith(".parquet")

    def _preupload(self, repo: str, revision: str, body: bytes, **_: Any) -> tuple[int, Any]:
        there = self.hub.repos[repo].files(revision)
        answers = []
        for one in json.loads(body)["files"]:
            name = one["path"]
            large = self._large(name)
            oid = (digest if large else blob)(there[name]) if name in there else None
            mode = "lfs" if large else "regular"
            answers.append({"path": name, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return 200, {"files": answers}

    def _batch(self, body: bytes, **_: Any) -> tuple[int, Any]:
        objects = []
        for one in json.loads(body)["objects"]:
            told = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.hub.stored:
                told["actions"] = {
                    "upload": {"href": f"{self.hub.url}/lfs/upload/{one['oid']}?signature=SIGNED"},
                    "verify": {"href": f"{self.hub.url}/lfs/verify"},
                }
            objects.append(told)
        return 200, {"transfer": "basic", "objects": objects}

    def _store(self, oid: str, body: bytes, **_: Any) -> tuple[int, Any]:
        if digest(body) != oid:
            return 400, {"error": "another digest"}
        self.hub.stored[oid] = body
        self.hub.uploads.append(oid)
        return 200, {}

    def _commit(
        self, repo: str, revision: str, query: dict[str, list[str]], body: bytes, **_: Any
    ) -> tuple[int, Any]:
        here = self.hub.repos[repo]
        files = dict(here.files(revision))
        for line in body.splitlines():
            one = json.loads(line)
            value = one["value"]
            if one["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif one["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
            elif one["key"] == "deletedFile":
                del files[value["path"]]
        request = f"{self.hub.url}/datasets/{repo}/discussions/1" if "create_pr" in query else None
        oid = here.commit(files, "refs/pr/1" if request else revision)
        url = f"{self.hub.url}/datasets/{repo}/commit/{oid}"
        return 200, {"commitUrl": url, "commitOid": oid, "pullRequestUrl": request}

    def _tag(self, repo: str, revision: str, body: bytes, **_: Any) -> tuple[int, Any]:
        here, name = self.hub.repos[repo], json.loads(body)["tag"]
        if name in here.tags:
            return 409, {"error": "Tag reference exists already"}
        here.tags[name] = here.refs.get(revision, revision)
        return 200, {}

    def _discuss(self, repo: str, **_: Any) -> tuple[int, Any]:
        here = self.hub.repos[repo]
        here.refs["refs/pr/1"] = here.refs["main"]
        return 200, {"num": 1, "pullRequest": True}

    def _refs(self, repo: str, **_: Any) -> tuple[int, Any]:
        here = self.hub.repos[repo]
        tags = [
            {"name": name, "ref": f"refs/tags/{name}", "targetCommit": commit}
            for name, commit in here.tags.items()
        ]
        return 200, {"branches": [], "converts": [], "tags": tags}

    def _entry(self, name: str, data: bytes) -> dict[str, Any]:
        entry = {"type": "file", "path": name, "size": len(data), "oid": blob(data)}
        if self._large(name):
            entry["lfs"] = {"oid": digest(data), "size": len(data), "pointerSize": 130}
        return entry

    def _tree(self, repo: str, revision: str, folder: str | None, query: dict[str, list[str]],
              **_: Any) -> tuple[int, Any]:  # fmt: skip
        here = self.hub.repos[repo].files(revision)
        home = f"{folder}/" if folder else ""
        inside = {name: data for name, data in here.items() if name.startswith(home)}
        if home and not inside:
            return 404, {"error": f"{folder} does not exist"}
        deep = query.get("recursive") in (["True"], ["true"], ["1"])
        entries, folders = [], set()
        for name, data in sorted(inside.items()):
            parts = name.removeprefix(home).split("/")
            depth = len(parts) if deep else 2
            folders |= {home + "/".join(parts[:end]) for end in range(1, min(depth, len(parts)))}
            if deep or len(parts) == 1:
                entries.append(self._entry(name, data))
        kept = [{"type": "directory", "path": name, "size": 0, "oid": blob(name.encode())}
                for name in sorted(folders)]  # fmt: skip
        return 200, [*kept, *entries]

    def _paths(self, repo: str, revision: str, body: bytes, **_: Any) -> tuple[int, Any]:
        here = self.hub.repos[repo].files(revision)
        fields = parse_qs(body.decode())
        names = fields.get("paths") or json.loads(body)["paths"]
        found: list[dict[str, Any]] = []
        for name in names:
            if name in here:
                found.append(self._entry(name, here[name]))
            elif any(other.startswith(f"{name}/") for other in here):
                found.append({"type": "directory", "path": name, "size": 0,
                              "oid": blob(name.encode())})  # fmt: skip
        return 200, found

    def _info(self, repo: str, revision: str | None, **_: Any) -> tuple[int, Any]:
        here = self.hub.repos.get(repo)
        if here is None:
            return 404, {"error": "Repository not found"}
        known = {**here.refs, **here.tags}
        sha = known.get(revision or "main", revision)
        assert sha is not None
        siblings = [{"rfilename": name} for name in sorted(here.commits[sha])]
        return 200, {"_id": "1", "id": repo, "sha": sha, "private": here.private, "gated": False,
                     "disabled": False, "downloads": 0, "likes": 0, "tags": [],
                     "siblings": siblings}  # fmt: skip

    def _resolve(self, repo: str, revision: str, name: str, **_: Any) -> tuple[int, Any]:
        here = self.hub.repos[repo]
        files = here.files(revision)
        if name not in files:
            return 404, {"error": "Entry not found"}
        self.commit = {**here.refs, **here.tags}.get(revision, revision)
        return 200, files[name]


def connect(fake: FakeHub, monkeypatch: pytest.MonkeyPatch, xet: bool = False) -> None:
    """Point the client at `fake`; its own waits take no time."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    monkeypatch.setattr(constants, "ENDPOINT", fake.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", not xet)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    _http.close_session()
