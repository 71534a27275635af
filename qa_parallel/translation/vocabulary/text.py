"""Text that a user has in each language: a file of lines, a folder of such files, a corpus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from qa_parallel import language_codes
from qa_parallel.errors import LanguageError, SourceError
from qa_parallel.places import Place, is_file
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import DATA

# Lines, or cells of a corpus, that are read of one language; a vocabulary is complete long before.
_MOST = 1_000_000
_COLUMNS = ("question", "answer", "passage")


@dataclass(frozen=True)
class LanguageText:
    """Files with text, by language.

    Attributes
    ----------
    digest:
        Equal for equal text.
    """

    files: Mapping[str, tuple[Path, ...]]
    digest: str

    def of(self, language: str) -> Iterator[str]:
        """Texts of `language`, the first million of them; blank ones are left out."""
        texts = (text.strip() for path in self.files[language] for text in _read(path))
        return islice(filter(None, texts), _MOST)


def open_text(path: Path, wanted: Sequence[str]) -> LanguageText:
    """The text in `path` of every language that is wanted.

    Parameters
    ----------
    path:
        A folder of files of lines, fr.txt or fra_Latn.txt; a corpus folder of ours; or, for one
        language, a file of lines.

    Raises
    ------
    SourceError
        There is nothing, no text, or no UTF-8.
    LanguageError
        A language that is wanted has no text.
    """
    place = Place.of(path)
    if place.is_file:
        if len(wanted) > 1:
            raise SourceError(
                f"expected a folder with text of {len(wanted)} languages, found the file {path}",
                f"name its files by language: {wanted[0]}.txt",
            )
        found: dict[str, tuple[Path, ...]] = {wanted[0]: (path,)}
    elif place.is_folder:
        found = _corpus(path) if is_file(path / folders.MANIFEST) else _folder(path)
    else:
        raise SourceError(
            f"expected text of the target languages, found no file or folder {place}",
            "check the path; 'auto' learns from the run itself",
        )
    missing = [code for code in wanted if code not in found]
    if missing:
        raise LanguageError(
            f"expected text of {missing[0]} in {path}, found "
            f"{', '.join(sorted(found)) or 'no language'}",
            "add a file of its lines, or leave the language out",
        )
    text = LanguageText({code: found[code] for code in wanted}, _digest(found, wanted))
    for code in wanted:
        if next(text.of(code), None) is None:
            raise SourceError(
                f"expected text of {code} in {found[code][0]}, found none",
                "name another file or folder",
            )
    return text


def _corpus(folder: Path) -> dict[str, tuple[Path, ...]]:
    found: dict[str, tuple[Path, ...]] = {}
    for name in store.read_json(folder / folders.MANIFEST).get("files", {}):
        parts = Path(name).parts
        if parts[0] == DATA:
            found[parts[1]] = (*found.get(parts[1], ()), folder / name)
    return found


def _folder(folder: Path) -> dict[str, tuple[Path, ...]]:
    found: dict[str, tuple[Path, ...]] = {}
    for path in sorted(folder.glob("*.txt")):
        with suppress(LanguageError):  # a file of another kind
            code = language_codes.parse(path.stem)
            found[code] = (*found.get(code, ()), path)
    return found


def _digest(files: Mapping[str, tuple[Path, ...]], wanted: Sequence[str]) -> str:
    return store.fingerprint(
        {code: [store.digest(path) for path in files[code]] for code in wanted}
    )


def _read(path: Path) -> Iterator[str]:
    if path.suffix == ".parquet":
        frame = store.read_parquet(path)
        for name in _COLUMNS:
            if name in frame.columns and frame.schema[name] == pl.String:
                yield from frame[name].drop_nulls().unique(maintain_order=True)
        return
    try:
        with path.open(encoding="utf-8") as file:
            yield from file
    except UnicodeDecodeError:
        raise SourceError(f"expected text in UTF-8, found other bytes in {path}") from None
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from None
