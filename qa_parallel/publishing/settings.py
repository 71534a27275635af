"""What a user says about publishing."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from qa_parallel.errors import PublishError

_TAG = re.compile(r"[A-Za-z0-9][\w.-]*")


class PublishSettings(BaseModel):
    """Where a corpus is published, and how.

    Attributes
    ----------
    repo:
        "org/name" of a dataset on the Hub.
    license:
        The Hub's identifier. None: what follows from the licences of source and model.
    private:
        Whether a repository that is made is private. One that is there keeps what it is.
    tag:
        Name of the published state, "v1.0". None: none is given.
    pr:
        Open a pull request and leave the main branch alone.
    plan:
        Folder of a plan of batches on this corpus, which goes along under `batches/`.
    leakage:
        Folders of `check-leakage` whose check of this corpus (or of one that it was made from)
        only reported.
    evaluation:
        Folder of `evaluate`, whose results the card tells.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repo: str
    license: str | None = None
    private: bool = False
    tag: str | None = None
    pr: bool = False
    plan: Path | None = None
    leakage: tuple[Path, ...] = ()
    evaluation: Path | None = None

    @field_validator("repo")
    @classmethod
    def _named(cls, repo: str) -> str:
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

        try:
            validate_repo_id(repo)
        except HFValidationError:
            pass
        else:
            if repo.count("/") == 1:
                return repo
        raise PublishError(
            f"expected org/name of letters, digits, - _ and ., found {repo!r}",
            "org is your name on the Hub, or an organisation that you belong to",
        )

    @field_validator("tag")
    @classmethod
    def _is_tag(cls, tag: str | None) -> str | None:
        if tag is not None and not _TAG.fullmatch(tag):
            raise PublishError(f"expected a tag like v1.0, found {tag!r}")
        return tag

    @model_validator(mode="after")
    def _one_of_both(self) -> PublishSettings:
        if self.tag is not None and self.pr:
            raise PublishError(
                "expected --tag or --pr, found both",
                "tag what is published, after the pull request is merged",
            )
        return self
