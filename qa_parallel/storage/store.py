"""Files that are whole or not there: atomic writes, digests, the lock of an output folder."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from qa_parallel.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa

# Absolute paths of a machine that is not the reader's, on any system.
_ABSOLUTE = re.compile(r"(?:/|~[/\\]|[A-Za-z]:[/\\]|\\\\)")

# zstd's own default; Arrow's is 1, which makes a sixth more of it.
_LEVEL = 3
# Small enough for the Hub's viewer.
ROW_GROUP = 10_000


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` aside, then rename it to `path`: nobody ever sees half a file.

    Raises
    ------
    StoreError
        The disk is full, or the folder cannot be written.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise explain(error, path) from None


def explain(error: Exception, path: Path) -> StoreError:
    """The user's side of an `OSError`, or of what a library makes of one."""
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or f"os error {errno.ENOSPC}" in str(error):
        return StoreError(
            f"the disk is full: {path} could not be written",
            "what was finished is safe; free some space and start the same command again",
        )
    return StoreError(
        f"cannot write {path}: {getattr(error, 'strerror', None) or error}",
        "choose a folder that can be written",
    )


def write_json(path: Path, value: Any) -> None:
    """`value` as JSON, atomically; keys keep their order."""
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object at `path`; StoreError where it is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"expected a JSON file at {path}, found: {error}", "is this a folder of qa-parallel?"
        ) from None
    if not isinstance(value, dict):
        raise StoreError(f"expected a JSON object in {path}, found {type(value).__name__}")
    return value


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    """`frame` as one zstd parquet file, atomically; the same frame gives the same bytes.

    Text and lists are Arrow's `string` and `list`, which is what `datasets` and pandas make of
    theirs, and not the `large_string` and `large_list` that Polars writes.
    """
    import pyarrow.parquet as pq

    schema = _plain(_arrow(frame.clear()).schema)
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema, compression="zstd", compression_level=_LEVEL) as writer:
        for rows in frame.iter_slices(ROW_GROUP):
            for table in _tables(rows, schema):
                writer.write_table(table)
    write_bytes(path, buffer.getvalue())


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _tables(rows: pl.DataFrame, schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows in one table; in several where a column has more text than a `string` can hold."""
    import pyarrow as pa

    try:
        # in one piece: where it is cut would show in the file
        yield _arrow(rows).cast(schema).combine_chunks()
    except pa.ArrowInvalid:  # 2 GiB and more
        if rows.height == 1:
            raise
        for half in rows.iter_slices(-(-rows.height // 2)):
            yield from _tables(half, schema)


def _plain(schema: pa.Schema) -> pa.Schema:
    """A schema without Arrow's large types."""
    import pyarrow as pa

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_large_string(kind):
            return pa.string()
        if pa.types.is_large_list(kind):
            return pa.list_(plain(kind.value_type))
        return kind

    return pa.schema([field.with_type(plain(field.type)) for field in schema])


def read_parquet(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """The table at `path`, or some of its `columns`; StoreError where the file is broken."""
    try:
        return pl.read_parquet(path, columns=columns, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(
            f"cannot read {path}: {error}", "delete it and run the stage again"
        ) from None


def count_rows(path: Path) -> int:
    """How many rows a parquet file has; StoreError where it is broken."""
    try:
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(
            f"cannot read {path}: {error}", "delete it and run the stage again"
        ) from None


def link(path: Path, target: Path) -> None:
    """The file at `path` under a second name as well; a copy where the file system has no links."""
    aside = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        try:
            os.link(path, aside)
        except OSError:
            write_bytes(target, path.read_bytes())
        else:
            aside.replace(target)
            # Between two names of one file a rename does nothing.
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise explain(error, target) from None


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record(path: Path) -> dict[str, Any]:
    """What a manifest says of a file: its bytes and its SHA-256."""
    return {"bytes": path.stat().st_size, "sha256": digest(path)}


def fingerprint(value: Any) -> str:
    """16 hexadecimal digits that are equal for equal JSON values, whatever their key order."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; the operating system lets go when the process dies.

    Raises
    ------
    StoreError
        Another process holds it, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(
            f"another process is writing to {folder}", "wait for it, or choose another --out"
        ) from None
    except OSError as error:
        raise explain(error, folder) from None
    try:
        yield
    finally:
        lock.release()


def rename(path: Path, target: Path) -> None:
    """Give `path` another name in the same folder."""
    try:
        path.rename(target)
    except OSError as error:
        raise explain(error, target) from None


def remove(path: Path) -> None:
    """Delete a file or a folder of ours; nothing there is fine."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise explain(error, path) from None


def portable(value: Any) -> Any:
    """`value` without the folders of this machine: of an absolute path only the last name.

    >>> portable({"against": {"set": "/home/me/eval?split=test"}, "name": "org/data@1"})
    {'against': {'set': 'eval?split=test'}, 'name': 'org/data@1'}
    """
    if isinstance(value, Mapping):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [portable(item) for item in value]
    if isinstance(value, str) and _ABSOLUTE.match(value):
        path, mark, options = value.partition("?")
        return re.split(r"[/\\]", path.rstrip("/\\"))[-1] + mark + options
    return value
