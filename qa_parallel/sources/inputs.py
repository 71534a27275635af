"""What a stage after translation reads: a corpus folder, or anything that `sources` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.errors import StoreError
from qa_parallel.places import Place
from qa_parallel.schema import CORPUS, check
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.sources.source import open_source
from qa_parallel.storage import folders, store, summary

_ROWS = 50_000


@dataclass(frozen=True)
class Input:
    """CORPUS rows that can be read again and again.

    Attributes
    ----------
    name, digest:
        "folder@digest" or as a source names itself; the whole digest.
    languages:
        In their order in the corpus; the languages of the originals first.
    split:
        What files of the rows are named by.
    manifest:
        Of a corpus folder, without its files: where the rows come from. Empty for a source.
    layout:
        Of a source, what was read as what, by its name, as manifests have it. Empty for a corpus.
    """

    name: str
    digest: str
    languages: tuple[str, ...]
    split: str
    manifest: Mapping[str, Any] = field(repr=False)
    layout: Mapping[str, Any] = field(repr=False)
    _parts: Callable[[str, list[str] | None], Iterator[pl.DataFrame]] = field(repr=False)

    @property
    def words(self) -> str:
        """Its size in a few words, where it is known; else its name."""
        return summary.brief(self.manifest) if "languages" in self.manifest else self.name

    def frames(
        self, language: str | None = None, columns: list[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        """The rows, file by file; only those of one `language`, only these `columns`, if given."""
        for code in self.languages if language is None else [language]:
            yield from self._parts(code, columns)


def open_input(settings: SourceSettings) -> Input:
    """Open `settings.source`, which may be a corpus folder as well.

    Raises
    ------
    StoreError
        A corpus folder that is half-written, has lost a file, or is of another version.
    SourceError, LanguageError
        As `open_source`.
    """
    place = Place.of(settings.source)
    if place.kind == "ours":
        return _open_corpus(place.path)
    source = open_source(settings)
    return Input(
        source.name,
        source.digest,
        (source.language,),
        settings.split,
        {},
        {source.name: source.account.to_json()},
        lambda _, columns: (rows.select(columns or rows.columns) for rows in source.frames(_ROWS)),
    )


def _open_corpus(path: Path) -> Input:
    if not (path / folders.MANIFEST).is_file():
        raise StoreError(
            f"expected a whole corpus in {path}, found one that is half-written",
            "start the command that makes it again; it continues where it stopped",
        )
    manifest = store.read_json(path / folders.MANIFEST)
    if manifest.get("version") != folders.VERSION or manifest.get("kind") != "corpus":
        raise StoreError(
            f"expected a corpus of version {folders.VERSION} in {path}, found "
            f"{manifest.get('kind')} of version {manifest.get('version')}",
            "make it again with this version of qa-parallel",
        )
    files: dict[str, Any] = manifest["files"]
    if not files or not folders.is_whole(path):
        raise StoreError(
            f"expected the files that the manifest of {path} names, found one missing or cut short",
            "make the corpus again, or copy it again",
        )
    by_language: dict[str, list[Path]] = {}
    for name in files:
        by_language.setdefault(Path(name).parts[1], []).append(path / name)
    digest = store.fingerprint({name: item["sha256"] for name, item in files.items()})
    return Input(
        f"{path.resolve().name}@{digest[:12]}",
        digest,
        tuple(by_language),
        next(iter(by_language.values()))[0].name.rsplit("-", 3)[0],
        {name: value for name, value in manifest.items() if name != "files"},
        {},
        lambda code, columns: (_read(one, columns) for one in by_language[code]),
    )


def _read(path: Path, columns: list[str] | None) -> pl.DataFrame:
    rows = store.read_parquet(path, columns)
    schema = pl.Schema((name, CORPUS[name]) for name in columns or CORPUS)
    kept = [] if columns else [name for name in rows.columns if name not in CORPUS]
    return check(rows, schema, str(path)).with_columns(rows[name] for name in kept)
