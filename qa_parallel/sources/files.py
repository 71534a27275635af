"""Which files a place stands for: a file, what a ZIP archive or a folder holds, a glob, a pipe.

Compression is told by its mark, not by the name: gzip, bzip2, xz and zstandard.
"""

from __future__ import annotations

import bz2
import glob
import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from qa_parallel.errors import SourceError

STDIN = ("-", "/dev/stdin")
# Suffixes of compressed files, beside that of their format.
COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zstd")
ARCHIVE = ".zip"
_MARKS = (
    (b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open),
)  # fmt: skip
_ZSTD = b"\x28\xb5\x2f\xfd"
# Files beside the data of what `datasets.save_to_disk` writes, and of ours.
_BESIDE = frozenset(
    ("dataset_info.json", "state.json", "dataset_dict.json", "dataset_infos.json", "manifest.json")
)
_SPLITS = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
_SPLIT = re.compile(rf"(?:^|[._/-])({'|'.join(_SPLITS)})(?=[._/-]|\d*$)", re.IGNORECASE)


@dataclass(frozen=True)
class File:
    """A file, a member of a ZIP archive, or what came through a pipe.

    Attributes
    ----------
    path:
        Of the file, or of the archive.
    member:
        Name in the archive. None: it is none.
    label:
        Name in messages and in `source_row`: relative to the folder that was given.
    data:
        What came through a pipe, which can be read but once.
    """

    path: Path
    label: str
    member: str | None = None
    data: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, path: Path | File, label: str = "") -> File:
        """The file at a path; a pipe is read whole."""
        if isinstance(path, File):
            return path
        return cls(path, label or path.name)

    @property
    def name(self) -> str:
        """The name that tells the format."""
        return PurePosixPath(self.member).name if self.member else self.path.name

    @property
    def format(self) -> str:
        """The suffix of the format, in lower case, without that of a compression."""
        return file_format(self.name)

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """The bytes, decompressed; SourceError where they cannot be read."""
        return _opened(self)

    def digest(self) -> str:
        """SHA-256 of the bytes as they lie; of an archive those of the whole."""
        if self.data is not None:
            return hashlib.sha256(self.data).hexdigest()
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise SourceError(
                f"cannot read {self.path}: {error}", "check its permissions"
            ) from error


def file_format(name: str | Path) -> str:
    """The suffix that names the format, in lower case and without .gz: `a.JSON.gz` → `.json`."""
    lower = Path(name).name.lower()
    for suffix in COMPRESSED:
        if lower.endswith(suffix):
            inner = Path(lower.removesuffix(suffix)).suffix
            # a compressed parquet file has no reader: parquet compresses by itself
            return "" if inner in (".parquet", ".arrow", ".xlsx") else inner
    return Path(lower).suffix


def find_files(place: str, path: Path, known: Callable[[str], bool]) -> list[File]:
    """The data files that a place stands for, in order of their names; none where it is nothing.

    Parameters
    ----------
    known:
        Whether a file of this format can be read.
    """
    if place in STDIN or _is_pipe(path):
        return [_pipe(place, path)]
    if path.is_file():
        if path.suffix.lower() == ARCHIVE:
            return _members(path, known)
        return [File.of(path)]
    if path.is_dir():
        return _inside(path, known)
    if glob.has_magic(place):
        found = sorted(Path(one) for one in glob.glob(str(path), recursive=True))  # noqa: PTH207
        files = [
            file for one in found if one.is_file() for file in find_files(str(one), one, known)
        ]
        return [file for file in files if known(file.format)]
    return []


def split_of(name: str) -> str | None:
    """The split that a file is named by.

    >>> split_of("en/dev.jsonl"), split_of("train-00000-of-00002.parquet"), split_of("faq.csv")
    ('validation', 'train', None)
    """
    stem = name
    while PurePosixPath(stem).suffix:
        stem = stem[: -len(PurePosixPath(stem).suffix)]
    match = _SPLIT.search(stem) or _SPLIT.search(name)
    return _SPLITS[match[1].lower()] if match else None


def choose_split(
    files: Sequence[File], split: str, *, asked: bool, where: str
) -> tuple[list[File], list[File]]:
    """The files of a split, and the others; all of them where their names say none.

    Parameters
    ----------
    asked:
        Whether the user named the split. Else it is taken only where files are of several.

    Raises
    ------
    SourceError
        The names say splits, and not this one.
    """
    splits = {file: split_of(file.label) for file in files}
    found = {name for name in splits.values() if name}
    if not found or (len(found) == 1 and not asked):
        return list(files), []
    wanted = _SPLITS.get(split.lower(), split)
    if wanted not in found:
        raise SourceError(
            f"expected files of the split {split}, found {', '.join(sorted(found))} in {where}",
            "choose one of these as split, or give one file",
        )
    chosen = [file for file in files if splits[file] == wanted]
    return chosen, [file for file in files if splits[file] != wanted]


def _inside(folder: Path, known: Callable[[str], bool]) -> list[File]:
    """The data files in a folder and in the folders in it; hidden ones are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        if hidden or path.name in _BESIDE or path.name.startswith("cache-") or not path.is_file():
            continue
        if known(file_format(path)):
            found.append(File(path, "/".join(parts)))
        elif path.suffix.lower() == ARCHIVE:
            found += _members(path, known)
    return found


def _members(path: Path, known: Callable[[str], bool]) -> list[File]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(one.filename for one in archive.infolist() if not one.is_dir())
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(f"cannot read {path}: {error}", "check the file") from error
    return [
        File(path, name, name)
        for name in names
        if known(file_format(name))
        and not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
        and PurePosixPath(name).name not in _BESIDE
    ]


def _is_pipe(path: Path) -> bool:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - pathlib raises for names that are too long
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _pipe(place: str, path: Path) -> File:
    """All of standard input or of a pipe, with a name that says its format."""
    try:
        data = sys.stdin.buffer.read() if place in STDIN else path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {place}: {error}") from error
    with _opened(File(Path("stdin"), "stdin", data=data)) as file:
        head = file.read(1 << 16)
    plain = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"PAR1"):
        suffix = ".parquet"
    elif plain[:1] in (b"{", b"["):
        suffix = ".json"
    else:
        suffix = ".tsv" if b"\t" in plain.split(b"\n", 1)[0] else ".csv"
    return File(Path(f"stdin{suffix}"), f"stdin{suffix}", data=data)


@contextmanager
def _opened(file: File) -> Any:
    try:
        with _raw(file) as raw, _plain(raw, file) as plain:
            yield plain
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise SourceError(f"cannot read {file}: {error}", "check the file") from error


@contextmanager
def _raw(file: File) -> Any:
    if file.data is not None:
        yield io.BytesIO(file.data)
    elif file.member is None:
        with file.path.open("rb") as raw:
            yield raw
    else:
        with zipfile.ZipFile(file.path) as archive, archive.open(file.member) as raw:
            yield raw


def _plain(raw: IO[bytes], file: File) -> Any:
    """What lies under the compression."""
    head = raw.read(8)
    raw.seek(0)
    for mark, opener in _MARKS:
        if head.startswith(mark):
            return opener(raw, "rb")
    if head.startswith(_ZSTD):
        import pyarrow

        return io.BufferedReader(pyarrow.CompressedInputStream(raw, "zstd"))
    if file.path.suffix.lower() == ".gz" and file.member is None and head:
        return gzip.open(raw, "rb")  # which says that it is none
    return raw if isinstance(raw, io.BytesIO) else io.BufferedReader(_Unclosed(raw))


class _Unclosed(io.RawIOBase):
    """A stream that stays open for whoever opened it."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seekable(self) -> bool:
        return self._raw.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()


def names_of(files: Iterable[File]) -> str:
    """The names of some files, for a message."""
    return ", ".join(file.label for file in files)
