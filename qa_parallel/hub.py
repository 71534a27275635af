"""The Hugging Face Hub: commits of models whose weights are safe to load, rows of datasets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_parallel.errors import ModelError, SourceError

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo

# Of a model, beside its tokenizer. No pattern lets a pickle through; CTranslate2's model.bin is a
# format of its own.
_PATTERNS = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "model-*-of-*.safetensors",
    "model.safetensors.index.json",
    "model.bin",
    "shared_vocabulary.json",
    "shared_vocabulary.txt",
    "README.md",
)
_SAFE = ("model.safetensors", "model.safetensors.index.json")
_PICKLE = "pytorch_model.bin"
# The Hub's own service, which converts pickles and offers the result as a pull request. Pull
# requests of anybody else are not looked at.
_CONVERTER = "SFconvertbot"


class Unreachable(ModelError):
    """The Hub does not answer."""


@dataclass(frozen=True)
class Commit:
    """A commit of a repository.

    Attributes
    ----------
    repository:
        "facebook/nllb-200-distilled-600M".
    revision:
        Commit hash.
    ctranslate2:
        Whether it holds a model that is converted already.
    kind:
        `model_type` in its config.json; None where the Hub does not tell.
    """

    repository: str
    revision: str
    ctranslate2: bool
    kind: str | None = None


def locate(repository: str, revision: str | None) -> Commit:
    """The commit to take `repository` from.

    Where `revision` (None = main) has only a pickle, that is the commit of the Hub's own
    safetensors conversion, provided that it was made from this very pickle.

    Raises
    ------
    Unreachable
        There is no connection.
    ModelError
        No such repository or revision, no access, or no weights that are safe to load.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    api = HfApi()
    try:
        info = api.model_info(repository, revision=revision, files_metadata=True)
        return _choose(api, repository, info)
    except GatedRepoError:
        raise ModelError(
            f"expected access to {repository}, found that it is gated",
            f"accept its conditions at https://huggingface.co/{repository}, then `hf auth login`",
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ModelError(
            f"expected a model on the Hub, found no {repository!r} there",
            "check the name; a private model needs `hf auth login`",
        ) from None
    except RevisionNotFoundError:
        raise ModelError(
            f"expected a branch, tag or commit of {repository}, found no {revision!r}",
            "check the revision",
        ) from None
    except (httpx.HTTPError, OSError) as error:
        raise Unreachable(
            f"cannot reach the Hub for {repository}: {error}",
            "check the connection, or give a local folder",
        ) from error


def download(commit: Commit, more: Sequence[str]) -> Path:
    """The folder with the files of `commit`, in the cache of huggingface_hub.

    `more` are patterns of files beside configuration and weights: those of the tokenizer.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        return Path(
            snapshot_download(
                commit.repository, revision=commit.revision, allow_patterns=[*_PATTERNS, *more]
            )
        )
    except (httpx.HTTPError, OSError) as error:
        raise Unreachable(
            f"cannot download {commit.repository}: {error}", "check connection and disk; try again"
        ) from error


def downloaded(repository: str, revision: str | None) -> Path | None:
    """The folder of an earlier download, named by its commit; None where there is none."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError):
        return None


def _choose(api: HfApi, repository: str, info: ModelInfo) -> Commit:
    files = _digests(info)
    sha = str(info.sha)
    kind = (info.config or {}).get("model_type")
    if "model.bin" in files:
        return Commit(repository, sha, ctranslate2=True)
    if any(name in files for name in _SAFE):
        return Commit(repository, sha, ctranslate2=False, kind=kind)
    if _PICKLE not in files:
        raise ModelError(
            f"expected model.safetensors or CTranslate2's model.bin in {repository}, found "
            "no weights",
            "is it a translation model?",
        )
    for request in api.get_repo_discussions(
        repository, author=_CONVERTER, discussion_type="pull_request", discussion_status="open"
    ):
        if request.author != _CONVERTER or request.git_reference is None:
            continue
        offered = api.model_info(repository, revision=request.git_reference, files_metadata=True)
        theirs = _digests(offered)
        same = files[_PICKLE] is not None and theirs.get(_PICKLE) == files[_PICKLE]
        if same and any(name in theirs for name in _SAFE):
            return Commit(repository, str(offered.sha), ctranslate2=False, kind=kind)
    raise ModelError(
        f"expected model.safetensors in {repository}, found {_PICKLE} only; pickles are never "
        "loaded",
        "name a revision that has safetensors, let the Hub make them at "
        "https://huggingface.co/spaces/safetensors/convert, or take a repository with a "
        "CTranslate2 conversion of the model",
    )


def _digests(info: ModelInfo) -> dict[str, str | None]:
    """SHA-256 of each file of a commit; None for a small one, which the Hub keeps in git."""
    return {file.rfilename: file.lfs.sha256 if file.lfs else None for file in info.siblings or ()}


def dataset_commit(repo: str, revision: str | None) -> tuple[str, str | None]:
    """The commit that `revision` (None: the main branch) of a Hub dataset stands for now, and the
    licence that its card names (None: it names none)."""
    from huggingface_hub import HfApi

    with _dataset_trouble(repo):
        info = HfApi().dataset_info(repo, revision=revision)
    licence = getattr(info.card_data, "license", None)
    if isinstance(licence, list):
        licence = ", ".join(licence)
    return str(info.sha), licence or None


def dataset_records(
    repo: str, config: str | None, split: str, commit: str
) -> Iterator[tuple[str, Any]]:
    """Stream one split of a Hub dataset at a commit; nothing of it is stored on disk."""
    import datasets

    with _dataset_trouble(repo):
        rows = datasets.load_dataset(
            repo, name=config, split=split, revision=commit, streaming=True
        )
        iterator = enumerate(rows)
    while True:
        with _dataset_trouble(repo):
            number, record = next(iterator, (-1, None))
        if record is None:
            return
        yield f"{split}:{number}", record


@contextmanager
def _dataset_trouble(repo: str) -> Iterator[None]:
    """Turn what the Hub's libraries raise into one line with what to do."""
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise SourceError(
            f"the Hub dataset {repo} is gated",
            f"accept its terms at https://huggingface.co/datasets/{repo}, then run hf auth login",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise SourceError(
            f"the Hub dataset {repo} has no such revision ({error})",
            "give a branch, a tag or a full commit",
        ) from error
    except (errors.RepositoryNotFoundError, DatasetNotFoundError) as error:
        raise SourceError(
            f"expected an existing path or a Hub dataset, found neither at {repo}",
            "check the spelling; for a private dataset run hf auth login",
        ) from error
    except RuntimeError as error:  # datasets 4 and later run no code of a dataset
        hint = "revision='refs/convert/parquet' may hold it as parquet files"
        raise SourceError(f"cannot read the Hub dataset {repo}: {error}", hint) from error
    except ValueError as error:  # unknown split or configuration; the message lists those there are
        raise SourceError(
            f"cannot read the Hub dataset {repo}: {error}", "give split and config"
        ) from error
    # the HTTP library under huggingface_hub changes between versions, and with it what it raises
    except Exception as error:
        raise SourceError(
            f"cannot reach the Hub dataset {repo}: {type(error).__name__}: {error}",
            "check the network, or download the data and give its path",
        ) from error
