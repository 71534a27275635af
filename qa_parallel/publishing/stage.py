"""A corpus folder to the Hub: checked whole, with its card, in one commit."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_parallel.errors import PublishError, StoreError
from qa_parallel.places import Place, is_file
from qa_parallel.publishing import card, facts, upload
from qa_parallel.publishing.licences import Settled, settle
from qa_parallel.publishing.settings import PublishSettings
from qa_parallel.publishing.upload import Published, Tell, Wait
from qa_parallel.sources.inputs import Input, open_input
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import README

BATCHES = "batches"


@dataclass(frozen=True)
class File:
    """A file to be uploaded: its place in the repository, bytes, SHA-256; and where it lies, or
    what it holds."""

    name: str
    size: int
    sha256: str
    held: Path | bytes


@dataclass(frozen=True)
class Publication:
    """All that is to be published, ready to be uploaded.

    Attributes
    ----------
    files:
        The card first.
    card:
        Its text.
    operations:
        What happens on the Hub, in order, a line each.
    warnings:
        What the one who publishes should know, a line each.
    """

    settings: PublishSettings
    files: tuple[File, ...]
    card: str
    operations: tuple[str, ...]
    warnings: tuple[str, ...]


def prepare(corpus: Path, settings: PublishSettings, tell: Tell = lambda _: None) -> Publication:
    """Check a corpus folder, digest by digest, and write its card; nothing leaves this machine.

    Raises
    ------
    StoreError
        The corpus or the plan is half-written, or was changed since it was made.
    PublishError
        Licences that do not go together; a plan or a check of another corpus.
    """
    given, manifest = _open(corpus)
    lineage = folders.lineage(given.manifest)
    digests = {given.digest, *(one["corpus"]["digest"] for one in lineage[1:])}
    checked = [_check(folder, digests) for folder in settings.leakage]
    plan = None if settings.plan is None else _plan(settings.plan, given)
    tell("checking digests")
    files = [*_files(corpus, manifest, tell)]
    if settings.plan is not None and plan is not None:
        files += _files(settings.plan, plan, tell, f"{BATCHES}/")
    tell("counting rows")
    counts = {code: facts.count(given.frames(code)) for code in given.languages}
    if not any(one.rows for one in counts.values()):
        raise PublishError(f"expected rows in {corpus}, found none", "look at what was dropped")
    settled = settle(*facts.parties(lineage, counts.values()), settings.license)
    contents = card.Contents(
        settings.repo,
        given.split,
        lineage,
        counts,
        settled,
        facts.checks(lineage, checked),
        plan,
        _results(settings.evaluation) if settings.evaluation is not None else (),
    )
    text = card.write(contents)
    files.insert(0, _held(README, text.encode()))
    return Publication(
        settings, tuple(files), text, _operations(settings, files), _warnings(contents, settled)
    )


def write_card(publication: Publication, path: Path) -> None:
    """Write the card to a file of the user's."""
    store.write_bytes(path, publication.card.encode())


def publish(
    publication: Publication, tell: Tell = lambda _: None, wait: Wait = time.sleep
) -> Published:
    """Upload what `prepare` made ready.

    Raises
    ------
    PublishError
        No token; or the Hub refuses, or does not answer.
    """
    upload.token()  # before any work
    with _laid_out(publication.files) as folder:
        return upload.upload(folder, publication.settings, tell=tell, wait=wait)


def _open(corpus: Path) -> tuple[Input, dict[str, Any]]:
    if Place.of(corpus).kind != "ours":
        raise StoreError(
            f"expected a corpus folder of qa-parallel, found none at {corpus}",
            "make one with qa-parallel translate or import",
        )
    return open_input(SourceSettings(source=str(corpus))), store.read_json(
        corpus / folders.MANIFEST
    )


def _files(folder: Path, manifest: Mapping[str, Any], tell: Tell, home: str = "") -> Iterator[File]:
    """The manifest and the files that it names; StoreError where one is not what it was."""
    told = store.portable(manifest)
    if home:
        # from where the plan lies in the repository
        told["corpora"] = [{**one, "path": ".."} for one in told["corpora"]]
    text = json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    yield _held(f"{home}{folders.MANIFEST}", text.encode())
    for name, known in manifest["files"].items():
        path = folder / name
        tell(f"checking {home}{name}")
        found = store.digest(path) if path.is_file() else "no file"
        if found != known["sha256"]:
            raise StoreError(
                f"expected {path} as its manifest knows it (sha256 {known['sha256'][:12]}), found "
                f"{found[:12]}: it was changed since it was made",
                "make the corpus again with --overwrite, or copy it again",
            )
        yield File(f"{home}{name}", path.stat().st_size, found, path)


def _held(name: str, data: bytes) -> File:
    return File(name, len(data), hashlib.sha256(data).hexdigest(), data)


def _check(folder: Path, digests: set[str]) -> dict[str, Any]:
    """The manifest of a check for leakage of this corpus, or of one that it was made from."""
    manifest = _manifest(folder, facts.CHECK, "a check for leakage")
    if manifest["corpus"]["digest"] not in digests:
        raise PublishError(
            f"expected a check of this corpus, found one of {manifest['corpus']['name']} in "
            f"{folder}",
            "check this corpus with qa-parallel check-leakage",
        )
    return manifest


def _plan(folder: Path, given: Input) -> dict[str, Any]:
    manifest = _manifest(folder, "build-batches", "a plan of batches")
    if not folders.is_whole(folder):
        raise StoreError(
            f"expected the files that the manifest of {folder} names, found one missing or cut "
            "short",
            "make the plan again, or copy it again",
        )
    named = [one["digest"] for one in manifest["corpora"]]
    if named != [given.digest]:
        names = ", ".join(one["name"] for one in manifest["corpora"])
        raise PublishError(
            f"expected a plan on {given.name} alone, found one on {names} in {folder}",
            "make a plan on this corpus with qa-parallel build-batches",
        )
    return manifest


def _manifest(folder: Path, stage: str, what: str) -> dict[str, Any]:
    path = folder / folders.MANIFEST
    manifest = store.read_json(path) if is_file(path) else {}
    if manifest.get("stage") != stage:
        raise StoreError(
            f"expected {what} in {folder}, found none, or a half-written one",
            f"make it with qa-parallel {stage} --out FOLDER",
        )
    return manifest


def _results(folder: Path) -> list[dict[str, Any]]:
    """RESULTS rows over all languages, from a folder of `evaluate`."""
    path = folder / "results.json"
    if not is_file(path) or not is_file(folder / folders.MANIFEST):
        raise StoreError(
            f"expected an evaluation in {folder}, found none, or a half-written one",
            "make it with qa-parallel evaluate",
        )
    return [
        one
        for one in store.read_json(path)["results"]
        if one["query_language"] is None and one["candidate_language"] is None
    ]


def _operations(settings: PublishSettings, files: list[File]) -> tuple[str, ...]:
    kind = "private " if settings.private else ""
    target = "a pull request" if settings.pr else "main"
    total = sum(one.size for one in files)
    lines = [
        f"create the {kind}dataset repository {settings.repo}, if it does not exist",
        f"upload to {target} those of {len(files)} files ({total:,} bytes) that are not there yet",
        f"delete other files under {' and '.join(one.removesuffix('*') for one in upload.OURS)}",
    ]
    if settings.tag is not None:
        lines.append(f"tag the commit {settings.tag}")
    return tuple(lines)


def _warnings(contents: card.Contents, settled: Settled) -> tuple[str, ...]:
    lines = list(settled.warnings)
    if not contents.checks:
        lines.append(
            "this corpus was never checked for leakage; the card says so. Check it with "
            "qa-parallel check-leakage CORPUS --against NAME=PATH"
        )
    return tuple(lines)


@contextmanager
def _laid_out(files: tuple[File, ...]) -> Iterator[Path]:
    """A folder with `files` at their places; those on disk are linked, not copied."""
    with tempfile.TemporaryDirectory(prefix="qa-parallel-publish-") as name:
        for file in files:
            place = Path(name) / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(file.held, Path):
                place.symlink_to(file.held.resolve())
            else:
                place.write_bytes(file.held)
        yield Path(name)
