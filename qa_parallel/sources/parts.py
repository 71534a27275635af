"""The files, or the Hub split, that a source is made of, and how to read them again."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qa_parallel import hub, language_codes
from qa_parallel.errors import SourceError
from qa_parallel.sources import beir, readers
from qa_parallel.sources.files import File, choose_split, find_files, names_of
from qa_parallel.sources.layouts import column_names
from qa_parallel.sources.settings import AUTO, SourceSettings, are_numbers
from qa_parallel.sources.tags import ENGLISH, read_tag


@dataclass(frozen=True)
class Part:
    """One file or one Hub split: where its rows come from, and how to read them again."""

    where: str  # for messages
    label: str  # begins `source_row`
    # told of what had to be settled on the way
    records: Callable[[Counter[str]], readers.Records]
    # of the file, or of the configuration: it may name languages
    name: str


@dataclass(frozen=True)
class Found:
    """What a source is made of.

    Attributes
    ----------
    name:
        "file-name@digest" (12 digits) or "org/name@commit".
    digest:
        SHA-256 of the file, of a folder's files with their names, or the Hub commit.
    license:
        That the Hub's card names, if any.
    notes:
        What is said of the choice of files.
    """

    name: str
    digest: str
    parts: Sequence[Part]
    license: str | None = None
    notes: Counter[str] = field(default_factory=Counter)


def folder_files(folder: Path) -> list[Path]:
    """The data files right inside a folder, sorted by name; others and hidden ones are left out.

    Raises
    ------
    SourceError
        There is none.
    """
    files = [
        path
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.is_file() and not path.name.startswith(".") and readers.is_known(path)
    ]
    if not files:
        raise SourceError(
            f"expected data files ({', '.join(readers.READERS)}) in {folder}, found none",
            "give the folder that holds them directly, or one file",
        )
    return files


def on_disk(settings: SourceSettings, path: Path) -> Found:
    """The files that a path, a glob or "-" stands for, or the pairs of a BEIR folder.

    Raises
    ------
    SourceError
        There are none, they are in several languages, or settings of the Hub are given.
    """
    _refuse_hub_settings(settings)
    notes: Counter[str] = Counter()
    how = readers.Reading(
        settings.encoding,
        ENGLISH if settings.source_language == AUTO else settings.source_language,
        header=not are_numbers(settings.columns),
        known=column_names(settings.columns),
    )
    if path.is_dir() and (path / "manifest.json").is_file() and (path / "data").is_dir():
        raise SourceError(
            f"expected a file or a folder of files, found a corpus of several languages in {path}",
            f"give the folder of one language, {path / 'data' / how.language}",
        )
    files = find_files(settings.source, path, readers.known_format)
    if not files:
        raise SourceError(
            f"expected data files ({', '.join(readers.READERS)}) in {settings.source}, found none",
            "give the folder that holds them, or one file",
        )
    if len(files) == 1 and not readers.known_format(files[0].format):
        raise SourceError(f"expected one of {', '.join(readers.READERS)}, found {files[0].name}")
    asked = "split" in settings.model_fields_set
    if path.is_dir() and beir.is_collection(path):
        split = settings.split if asked else None
        part = Part(str(path), f"{path.name}:", lambda _: beir.pairs(path, split), path.name)
        digest = _digest(files)
        return Found(f"{path.resolve().name}@{digest[:12]}", digest, [part], notes=notes)
    if path.is_dir() or len(files) > 1:
        _refuse_parallel(path, files)
        files, others = choose_split(files, settings.split, asked=asked, where=settings.source)
        if others:
            notes[f"files of other splits: {names_of(others)}"] = 0
    digest = _digest(files)
    parts = [
        Part(
            str(file),
            f"{file.label}:",
            lambda notes, file=file: readers.read_records(file, replace(how, notes=notes)),  # type: ignore[misc]
            file.name,
        )
        for file in files
    ]
    called = files[0].name if len(files) == 1 and not path.is_dir() else path.resolve().name
    return Found(f"{called}@{digest[:12]}", digest, parts, notes=notes)


def _refuse_hub_settings(settings: SourceSettings) -> None:
    """A file has no configuration and no revision."""
    for name in ("config", "revision"):
        if getattr(settings, name) is not None:
            raise SourceError(
                f"expected {name} for a Hub data set, found it for the files of {settings.source}",
                f"leave {name} out",
            )


def _digest(files: Sequence[File]) -> str:
    """SHA-256 of a file, or of the list of several with theirs."""
    if len(files) == 1 and files[0].label == files[0].name and files[0].member is None:
        return files[0].digest()
    listing = "".join(f"{file.digest()}  {file.label}\n" for file in files)
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()


def on_hub(settings: SourceSettings) -> Found:
    """The split of a data set on the Hub, at its commit."""
    repo, config, split = settings.source, settings.config, settings.split
    commit, licence = hub.dataset_commit(repo, settings.revision)
    part = Part(
        f"{repo}, split {split}",
        "",
        lambda _: hub.dataset_records(repo, config, split, commit),
        f"{config}.jsonl" if config else "",
    )
    return Found(f"{repo}@{commit}", commit, [part], licence)


def _refuse_parallel(folder: Path, files: Sequence[File]) -> None:
    """A folder of en.json, de.json, ... is no source in one language, whatever else is in it."""
    named = [read_tag(re.split("[./]", file.label)[0]) for file in files]
    codes = {code for code in named if code in language_codes.LANGUAGES}
    if len(codes) > 1 and sum(code in codes for code in named) > len(files) / 2:
        listed = ", ".join(sorted(filter(None, codes))[:8]) + (", ..." if len(codes) > 8 else "")
        raise SourceError(
            f"expected data in one language, found {listed} in {folder}",
            "join parallel files with qa-parallel import, or give one of the files",
        )
