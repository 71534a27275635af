"""The real client of the Hub against a stand-in for it: what arrives, and every fault."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa_parallel.errors import PublishError
from qa_parallel.publishing.settings import PublishSettings
from qa_parallel.publishing.upload import ATTEMPTS, Published, upload
from tests.fake_hub import TOKEN, FakeHub, Fault, connect

REPO = "org/corpus"
COMMIT = r"/commit/"
# An answer that says more than it should.
ECHO = f"{TOKEN} may not, see https://host/path?signature=SIGNED"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub() as fake:
        connect(fake, monkeypatch)
        yield fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "laid-out"
    (home / "data" / "fra_Latn").mkdir(parents=True)
    (home / "README.md").write_text("---\nlicense: mit\n---\n# Card\n")
    (home / "data" / "fra_Latn" / "train-00000-of-00002.parquet").write_bytes(b"one" * 1000)
    (home / "data" / "fra_Latn" / "train-00001-of-00002.parquet").write_bytes(b"two" * 1000)
    return home


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What the client itself logs, which goes past pytest's own capture."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("huggingface_hub").addHandler(handler)
    yield lines
    logging.getLogger("huggingface_hub").removeHandler(handler)


def send(folder: Path, told: list[str] | None = None, **options: object) -> Published:
    """Upload, with waits that are told and not waited."""
    lines = [] if told is None else told
    settings = PublishSettings.model_validate({"repo": REPO, **options})
    return upload(
        folder, settings, tell=lines.append, wait=lambda seconds: lines.append(f"<{seconds:g}>")
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def arrived(hub: FakeHub, revision: str = "main") -> dict[str, bytes]:
    files = dict(hub.repos[REPO].files(revision))
    del files[".gitattributes"]
    return files


def test_all_arrives_and_is_tagged_last(hub: FakeHub, folder: Path) -> None:
    done = send(folder, tag="v1.0", private=True)
    assert arrived(hub) == contents(folder)
    assert hub.repos[REPO].private
    assert hub.repos[REPO].tags == {"v1.0": done.commit}
    assert done.changed
    assert done.url == f"{hub.url}/datasets/{REPO}"
    assert hub.requests[-1].startswith("POST /api/datasets/org/corpus/tag/")


def test_again_and_nothing_is_sent(hub: FakeHub, folder: Path) -> None:
    first = send(folder, tag="v1.0")
    commits = len(hub.repos[REPO].commits)
    second = send(folder, tag="v1.0")
    assert (second.commit, second.changed) == (first.commit, False)
    assert len(hub.repos[REPO].commits) == commits
    assert len(hub.uploads) == 2


def test_only_what_changed_is_sent_and_what_is_gone_goes(hub: FakeHub, folder: Path) -> None:
    send(folder)
    home = folder / "data" / "fra_Latn"
    (home / "train-00000-of-00002.parquet").unlink()
    (home / "train-00001-of-00002.parquet").rename(home / "train-00000-of-00001.parquet")
    (home / "train-00000-of-00001.parquet").write_bytes(b"three" * 1000)
    send(folder)
    assert arrived(hub) == contents(folder)
    assert len(hub.uploads) == 3


def test_a_pull_request_leaves_main_alone(hub: FakeHub, folder: Path) -> None:
    done = send(folder, pr=True)
    assert arrived(hub) == {}
    assert arrived(hub, "refs/pr/1") == contents(folder)
    assert done.url.endswith("/discussions/1")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", "/repos/create", 503),
        Fault("POST", "/repos/create", 429, headers={"Retry-After": "7"}),
        Fault("POST", "/repos/create", 0),
        Fault("POST", "/repos/create", 0, late=True),
        Fault("POST", "/preupload/", 500, times=2),
        Fault("POST", "/preupload/", 0),
        Fault("POST", "/objects/batch", 502),
        Fault("PUT", "/lfs/upload/", 500),
        Fault("PUT", "/lfs/upload/", 0),
        Fault("PUT", "/lfs/upload/", 0, times=8),
        Fault("POST", COMMIT, 409, message="A commit has happened since"),
        Fault("POST", COMMIT, 429),
        Fault("POST", COMMIT, 504, late=True),
        Fault("POST", COMMIT, 0),
        Fault("POST", COMMIT, 0, late=True),
        Fault("POST", "/tag/", 500),
        Fault("POST", "/tag/", 0, late=True),
    ],
    ids=lambda fault: f"{fault.path}-{fault.status}{'-late' if fault.late else ''}-{fault.times}",
)
def test_what_passes_ends_well(hub: FakeHub, folder: Path, fault: Fault) -> None:
    hub.faults.append(fault)
    done = send(folder, tag="v1.0")
    assert fault.times == 0
    assert arrived(hub) == contents(folder)
    assert hub.repos[REPO].tags == {"v1.0": done.commit}
    # a commit whose answer was lost is not made twice
    assert len(hub.repos[REPO].commits) == 2


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("POST", "/repos/create", 401, 99), "401 .*hf auth login"),
        (Fault("POST", "/repos/create", 403, 99, message=ECHO), "403 .*right to write"),
        (Fault("POST", "/preupload/", 403, 99), "403 .*right to write"),
        (Fault("POST", "/objects/batch", 403, 99), "403 .*right to write"),
        (Fault("PUT", "/lfs/upload/", 403, 99), "403 .*right to write"),
        (Fault("PUT", "/lfs/upload/", 0, 99), "no answer .*the same command again"),
        (Fault("POST", COMMIT, 400, 99, message="bad card"), "400 .*bad card"),
        (Fault("POST", COMMIT, 409, 99), "409 .*the same command again"),
        (Fault("POST", COMMIT, 429, 99), "429 .*wait some minutes"),
        (Fault("POST", COMMIT, 503, 99), "503 .*the same command again"),
        (Fault("POST", COMMIT, 0, 99), "no answer .*the same command again"),
        (Fault("POST", "/tag/", 403, 99), "cannot tag v1.0 .*403"),
    ],
    ids=lambda value: f"{value.path}-{value.status}" if isinstance(value, Fault) else "",
)
def test_what_stays_ends_in_one_line(
    hub: FakeHub,
    folder: Path,
    fault: Fault,
    expected: str,
    capfd: pytest.CaptureFixture[str],
    logged: list[str],
) -> None:
    hub.faults.append(fault)
    told: list[str] = []
    with pytest.raises(PublishError, match=expected) as error:
        send(folder, told, tag="v1.0")
    said = f"{error.value} {told} {logged} {capfd.readouterr()}"
    assert "\n" not in str(error.value)
    assert REPO in str(error.value)
    assert TOKEN not in said
    assert "SIGNED" not in said
    assert not hub.repos or not hub.repos[REPO].tags


def test_a_run_that_was_cut_short_goes_on(hub: FakeHub, folder: Path) -> None:
    hub.faults.append(Fault("POST", COMMIT, 503, 99))
    with pytest.raises(PublishError):
        send(folder)
    hub.faults.clear()
    send(folder)
    assert arrived(hub) == contents(folder)
    assert len(hub.uploads) == 2


def test_the_wait_is_what_the_hub_asks_for_else_longer_each_time(
    hub: FakeHub, folder: Path
) -> None:
    hub.faults.append(Fault("POST", COMMIT, 429, headers={"Retry-After": "7"}))
    hub.faults.append(Fault("POST", COMMIT, 503, 2))
    told: list[str] = []
    send(folder, told)
    assert [line for line in told if line.startswith("<")] == ["<7>", "<4>", "<8>"]


def test_it_gives_up_in_the_end(hub: FakeHub, folder: Path) -> None:
    hub.faults.append(Fault("POST", COMMIT, 503, 99))
    told: list[str] = []
    with pytest.raises(PublishError):
        send(folder, told)
    assert sum(line.startswith("<") for line in told) == ATTEMPTS - 1
    assert sum("/commit/" in line for line in hub.requests) == ATTEMPTS


def test_a_tag_elsewhere_is_not_moved(hub: FakeHub, folder: Path) -> None:
    first = send(folder, tag="v1.0")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Another\n")
    with pytest.raises(PublishError, match=r"expected v1\.0 to be a new tag"):
        send(folder, tag="v1.0")
    assert hub.repos[REPO].tags == {"v1.0": first.commit}


def test_private_data_never_goes_to_a_public_repository(hub: FakeHub, folder: Path) -> None:
    send(folder)
    before = len(hub.repos[REPO].commits)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Secret\n")
    with pytest.raises(PublishError, match="private"):
        send(folder, private=True)
    assert len(hub.repos[REPO].commits) == before


def test_a_wrong_token(hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_anotheranother")
    with pytest.raises(PublishError, match="does not know this token") as error:
        send(folder)
    assert "hf_anotheranother" not in str(error.value)


def test_no_token(hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folder / "none"))
    with pytest.raises(PublishError, match="hf auth login"):
        send(folder)
    assert hub.requests == []


def test_with_xet_as_installed_small_files_arrive(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's other way, several commits at a time; its storage has no stand-in here."""
    pytest.importorskip("hf_xet")
    with FakeHub(lfs=False) as fake:
        connect(fake, monkeypatch, xet=True)
        fake.faults.append(Fault("POST", COMMIT, 503))
        done = send(folder, tag="v1.0")
        assert arrived(fake) == contents(folder)
        assert fake.repos[REPO].tags == {"v1.0": done.commit}
        assert not send(folder, tag="v1.0").changed


@pytest.mark.parametrize("repo", ["corpus", "a/b/c", "org/", "/name", "org/na me", "org/..", ""])
def test_a_name_that_is_none(repo: str) -> None:
    with pytest.raises(PublishError, match="expected org/name"):
        PublishSettings(repo=repo)


def test_a_tag_and_a_pull_request_exclude_each_other() -> None:
    with pytest.raises(PublishError, match="found both"):
        PublishSettings(repo=REPO, tag="v1", pr=True)
