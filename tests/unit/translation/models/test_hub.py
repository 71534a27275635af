"""Models from the Hub, which is played by a folder of commits."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qa_parallel import hub
from qa_parallel.errors import ModelError
from qa_parallel.translation.models import conversion
from qa_parallel.translation.models.model import Model
from tests.tiny_models import converted


@dataclass
class FakeHub:
    """Repositories as {revision: (commit, folder, author of the pull request or None)}."""

    commits: dict[str, tuple[str, Path, str | None]] = field(default_factory=dict)
    online: bool = True
    downloads: list[str] = field(default_factory=list)
    digest: str = "same"

    def _check(self) -> None:
        if not self.online:
            raise ConnectionError("no route to host")

    def model_info(self, repository: str, revision: str | None, files_metadata: bool) -> Any:
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        self._check()
        response: Any = SimpleNamespace(headers={}, request=None, status_code=404)
        if repository != "org/tiny-nllb":
            raise RepositoryNotFoundError("404", response=response)
        if (revision or "main") not in self.commits:
            raise RevisionNotFoundError("404", response=response)
        commit, folder, author = self.commits[revision or "main"]
        files = [
            SimpleNamespace(
                rfilename=path.name,
                lfs=SimpleNamespace(sha256="same" if author is None else self.digest)
                if path.name == "pytorch_model.bin"
                else None,
            )
            for path in folder.iterdir()
        ]
        return SimpleNamespace(sha=commit, siblings=files, config={"model_type": "m2m_100"})

    def get_repo_discussions(self, repository: str, **_: Any) -> Any:
        for revision, (_commit, _folder, author) in self.commits.items():
            if author is not None:
                yield SimpleNamespace(author=author, git_reference=revision)

    def snapshot_download(
        self, repository: str, *, revision: str | None, local_files_only: bool = False, **more: Any
    ) -> str:
        from huggingface_hub.errors import LocalEntryNotFoundError

        if local_files_only:
            raise LocalEntryNotFoundError("not there")
        self._check()
        patterns = more["allow_patterns"]
        assert "pytorch_model.bin" not in patterns
        assert not any(pattern.endswith("*.bin") for pattern in patterns)
        folders = {commit: folder for commit, folder, _ in self.commits.values()}
        self.downloads.append(str(revision))
        return str(folders[str(revision)])


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    import huggingface_hub

    fake = FakeHub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: fake)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot_download)
    return fake


@pytest.fixture
def pickled(tiny_nllb: Path, tmp_path: Path) -> Path:
    """The tiny model as facebook/nllb-200-distilled-600M has it on main."""
    folder = shutil.copytree(tiny_nllb, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    return folder


@pytest.fixture
def offered(tiny_nllb: Path, tmp_path: Path) -> Path:
    """The same in the pull request of the Hub's own converter."""
    folder = shutil.copytree(tiny_nllb, tmp_path / "offered")
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    return folder


MAIN, PULL, TAG = "a" * 40, "b" * 40, "c" * 40


def test_hub_model_with_safetensors(fake: FakeHub, tiny_nllb: Path, tmp_path: Path) -> None:
    fake.commits = {"main": (MAIN, tiny_nllb, None), "v1": (TAG, tiny_nllb, None)}
    model = converted("org/tiny-nllb", tmp_path)
    assert (model.name, model.revision) == ("org/tiny-nllb", MAIN)
    assert converted("org/tiny-nllb", tmp_path, revision="v1").revision == TAG
    assert set(fake.downloads) == {MAIN, TAG}
    fake.downloads.clear()
    assert converted("org/tiny-nllb", tmp_path) == model
    assert fake.downloads == []
    fake.online = False
    assert converted("org/tiny-nllb", tmp_path) == model
    assert converted("org/tiny-nllb", tmp_path, revision="v1").revision == TAG
    with pytest.raises(hub.Unreachable, match="cannot reach the Hub"):
        converted("org/tiny-nllb", tmp_path, quantization="int8")


def test_hub_pickle_is_replaced_by_the_hubs_own_conversion(
    fake: FakeHub, pickled: Path, offered: Path, tmp_path: Path
) -> None:
    fake.commits = {"main": (MAIN, pickled, None), "refs/pr/7": (PULL, offered, "SFconvertbot")}
    assert converted("org/tiny-nllb", tmp_path).revision == PULL
    assert set(fake.downloads) == {PULL}


@pytest.mark.parametrize("case", ["nobody", "a stranger", "other weights", "no weights"])
def test_hub_pickle_alone_is_refused(
    case: str, fake: FakeHub, pickled: Path, offered: Path, tmp_path: Path
) -> None:
    fake.commits = {"main": (MAIN, pickled, None)}
    if case != "nobody":
        author = "mallory" if case == "a stranger" else "SFconvertbot"
        fake.commits["refs/pr/7"] = (PULL, pickled if case == "no weights" else offered, author)
        fake.digest = "other" if case == "other weights" else "same"
    with pytest.raises(ModelError, match="pickles are never loaded"):
        converted("org/tiny-nllb", tmp_path)
    assert fake.downloads == []


def test_hub_conversion_is_taken_as_it_is(
    fake: FakeHub, nllb: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "_convert", lambda *_: pytest.fail("converted"))
    fake.commits = {"main": (MAIN, nllb.path, None)}
    model = converted("org/tiny-nllb", tmp_path)
    assert (model.revision, model.digest) == (MAIN, nllb.digest)


def test_hub_mistakes(fake: FakeHub, tiny_nllb: Path, tmp_path: Path) -> None:
    fake.commits = {"main": (MAIN, tiny_nllb, None)}
    with pytest.raises(ModelError, match="found no 'org/other' there"):
        converted("org/other", tmp_path)
    with pytest.raises(ModelError, match="found no 'v9'"):
        converted("org/tiny-nllb", tmp_path, revision="v9")
    (tmp_path / "empty").mkdir()
    fake.commits = {"main": (MAIN, tmp_path / "empty", None)}
    with pytest.raises(ModelError, match="found no weights"):
        converted("org/tiny-nllb", tmp_path)
