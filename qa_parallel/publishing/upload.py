"""Operations on the Hub: each is tried again while that may help, and ends in one clear line."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from qa_parallel.errors import PublishError
from qa_parallel.publishing.settings import PublishSettings

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, HfApi

T = TypeVar("T")
Tell = Callable[[str], None]
Wait = Callable[[float], None]

KIND = "dataset"
# Files of ours in a repository; those that are no longer in the corpus are deleted.
OURS = ("data/*", "batches/*")
ATTEMPTS = 5
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 300.0  # seconds
_PASSING = frozenset({408, 409, 412, 425, 429, 500, 502, 503, 504})
_LOGIN = (
    "log in with `hf auth login`, or set HF_TOKEN to a token with the right to write from "
    "https://huggingface.co/settings/tokens"
)


@dataclass(frozen=True)
class Published:
    """What is on the Hub now.

    Attributes
    ----------
    url:
        Of the dataset, or of the pull request.
    commit:
        The state that was uploaded, or that was there already.
    changed:
        Whether anything was uploaded.
    """

    url: str
    commit: str
    changed: bool


@dataclass(frozen=True)
class Trouble:
    """Why a call failed: the HTTP status (None: no answer came), in words, and how long to wait
    (None: the Hub does not say)."""

    status: int | None
    reason: str
    seconds: float | None = None

    @property
    def passing(self) -> bool:
        """Whether trying again may help."""
        return self.status is None or self.status in _PASSING


def token() -> str:
    """The token in `HF_TOKEN`, or that of the stored login.

    Raises
    ------
    PublishError
        There is none.
    """
    from huggingface_hub import get_token

    found = get_token()
    if not found:
        raise PublishError("expected a token of the Hub, found none", _LOGIN)
    return found


def upload(
    folder: Path, settings: PublishSettings, *, tell: Tell, wait: Wait = time.sleep
) -> Published:
    """Bring the files of `folder` to the Hub: repository, upload, and the tag last.

    What is there already is not uploaded again, so that a run that was stopped continues, and
    a second one sends only what changed.

    Parameters
    ----------
    tell:
        Told in a line what is being done, and what goes wrong.

    Raises
    ------
    PublishError
        No token, or the Hub refuses, or does not answer in time.
    """
    from huggingface_hub import HfApi

    secret = token()
    calls = _Calls(settings.repo, secret, tell, wait)
    with _quiet():
        api = HfApi(token=secret, library_name="qa-parallel")
        tell(f"repository {settings.repo}")
        before = calls.attempt("create the repository", lambda: _create(api, settings))
        tell("files")
        done = calls.attempt("upload", lambda: _upload(api, folder, settings))
        if settings.tag is not None:
            tag = settings.tag
            tell(f"tag {tag}")
            calls.attempt(f"tag {tag}", lambda: _tag(api, settings.repo, tag, done.oid))
    url = done.pr_url or f"{api.endpoint}/datasets/{settings.repo}"
    return Published(url, done.oid, done.oid != before)


def _create(api: HfApi, settings: PublishSettings) -> str | None:
    """Make the repository if it is not there. Returns its newest commit, if it has one."""
    api.create_repo(settings.repo, repo_type=KIND, private=settings.private or None, exist_ok=True)
    info = api.repo_info(settings.repo, repo_type=KIND)
    if settings.private and not info.private:
        raise PublishError(
            f"expected {settings.repo} to be private, found that it exists and is public",
            "make it private in its settings on the Hub, or publish without --private",
        )
    return info.sha


def _upload(api: HfApi, folder: Path, settings: PublishSettings) -> CommitInfo:
    return api.upload_folder(
        repo_id=settings.repo,
        folder_path=folder,
        repo_type=KIND,
        commit_message="Publish with qa-parallel",
        create_pr=settings.pr,
        delete_patterns=list(OURS),
    )


def _tag(api: HfApi, repo: str, tag: str, commit: str) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api.create_tag(repo, tag=tag, revision=commit, repo_type=KIND)
    except HfHubHTTPError as error:
        if error.response.status_code != 409:
            raise
        refs = api.list_repo_refs(repo, repo_type=KIND)
        there = next((one.target_commit for one in refs.tags if one.name == tag), None)
        if there is None:
            raise
        if there != commit:
            raise PublishError(
                f"expected {tag} to be a new tag, found it at commit {there[:12]}; the data is "
                f"published as commit {commit[:12]}",
                "give another --tag; the same command then only sets it",
            ) from None


@dataclass(frozen=True)
class _Calls:
    """Calls to the Hub that are tried again; messages without the token."""

    repo: str
    secret: str
    tell: Tell
    wait: Wait

    def attempt(self, what: str, call: Callable[[], T]) -> T:
        """What `call` returns, at the latest at the last of `ATTEMPTS`."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return call()
            except PublishError:
                raise
            except Exception as error:
                trouble = _trouble(error)
                if not trouble.passing or attempt == ATTEMPTS:
                    raise self._final(what, trouble) from None
            seconds = trouble.seconds or _FIRST_WAIT * 2 ** (attempt - 1)
            seconds = min(seconds, _LONGEST_WAIT)
            self.tell(self._clean(f"{what}: {trouble.reason}; retrying in {seconds:.0f} s"))
            self.wait(seconds)
        raise AssertionError("unreachable")

    def _final(self, what: str, trouble: Trouble) -> PublishError:
        line = self._clean(f"cannot {what} for {self.repo}: {trouble.reason}")
        return PublishError(line, _advice(trouble))

    def _clean(self, text: str) -> str:
        return " ".join(text.replace(self.secret, "***").split())


def _advice(trouble: Trouble) -> str:
    kept = "what has arrived is kept; start the same command again"
    if trouble.status == 401:
        return f"the Hub does not know this token: {_LOGIN}"
    if trouble.status in (402, 403):
        return (
            "the token needs the right to write to this repository, and you to be a member of the "
            "organisation with that right; https://huggingface.co/settings/tokens"
        )
    if trouble.status == 404:
        return "check the name, and that the token may see it"
    if trouble.status == 429:
        return f"wait some minutes; {kept}"
    if trouble.status is None:
        return f"check the connection; {kept}"
    return f"{kept} later" if trouble.passing else "nothing was tagged"


def _trouble(error: BaseException) -> Trouble:
    """What an exception of the client means; the deepest cause that says something counts."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import httpx, parse_ratelimit_headers  # type: ignore[attr-defined]

    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, HfHubHTTPError) and cause.response is not None:
            response = cause.response
            limits = parse_ratelimit_headers(response.headers)
            after = response.headers.get("Retry-After", "")
            seconds = float(after) if after.isdigit() else None
            if seconds is None and limits is not None and limits.remaining == 0:
                seconds = float(limits.reset_in_seconds)
            said = cause.server_message or response.reason_phrase
            return Trouble(response.status_code, f"{response.status_code} {_short(said)}", seconds)
    for cause in causes:
        if isinstance(cause, httpx.TransportError | ConnectionError | TimeoutError):
            return Trouble(None, f"no answer ({type(cause).__name__}: {_short(cause)})")
    # anything else that a client may raise is not the user's doing, and will not pass
    last = causes[-1]
    return Trouble(0, f"{type(last).__name__}: {_short(last)}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _short(said: object) -> str:
    """The first words of a message, without addresses, which may be signed."""
    words = [word for word in str(said).split() if "://" not in word]
    text = " ".join(words)
    return text if len(text) <= 300 else f"{text[:300]}…"


@contextmanager
def _quiet() -> Iterator[None]:
    """The client's own warnings show signed addresses; what goes wrong is told by us."""
    from huggingface_hub.utils import logging as client

    before = client.get_verbosity()
    client.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        client.set_verbosity(before)
