"""What a CTranslate2 folder says about itself: vocabulary, positions, digest. Nothing is loaded."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from pathlib import Path
from typing import BinaryIO

from qa_parallel.errors import ModelError
from qa_parallel.translation.models.families import labels
from qa_parallel.translation.models.tokenizer import FILES

_VOCABULARIES = ("shared_vocabulary.json", "shared_vocabulary.txt")
_SPECIFICATION = "TransformerSpec"
# Positions of every published NLLB-200 and M2M-100, for a model.bin that computes them itself.
_POSITIONS = 1024
# From this size on, in bytes, a digest is kept rather than computed at each start.
_LARGE = 64 << 20


def vocabulary(folder: Path) -> tuple[str, ...]:
    """Every token of the model, by id.

    Raises
    ------
    ModelError
        The folder has no vocabulary that source and target share.
    """
    for name in _VOCABULARIES:
        path = folder / name
        if not path.is_file():
            continue
        try:
            text = path.read_bytes().decode("utf-8")
            # Not splitlines(): a token may hold one of the other line ends.
            tokens = json.loads(text) if path.suffix == ".json" else text.rstrip("\n").split("\n")
        except ValueError as error:
            raise ModelError(f"expected a vocabulary in {path}, found: {error}") from None
        return tuple(map(str, tokens))
    raise ModelError(
        f"expected {_VOCABULARIES[0]} in {folder}, found none",
        f"the folder is incomplete, or the model is not {labels('or')}",
    )


def positions(path: Path) -> int:
    """Most tokens that the model in `path` (model.bin) has a position for.

    Read from the shapes of its position tables; the weights themselves are skipped.

    Raises
    ------
    ModelError
        This is not an encoder and decoder in CTranslate2's format.
    """
    found: list[int] = []
    try:
        with path.open("rb") as file:
            (version,) = _unpack(file, "I")
            name = _string(file) if 2 <= version < 100 else ""
            if name != _SPECIFICATION:
                raise ModelError(
                    f"expected a translation model of CTranslate2 in {path}, found "
                    f"{name[:40] or 'another format'!r}",
                    f"{labels('and')} are supported",
                )
            _, count = _unpack(file, "II")
            for _ in range(count):
                variable = _string(file)
                (rank,) = _unpack(file, "B")
                shape = _unpack(file, f"{rank}I")
                _, size = _unpack(file, "BI")
                if variable.endswith("position_encodings/encodings"):
                    found.append(shape[0])
                    if len(found) == 2:  # encoder and decoder
                        break
                file.seek(size, os.SEEK_CUR)
    except (OSError, struct.error, UnicodeDecodeError) as error:
        raise ModelError(
            f"expected a complete model of CTranslate2 in {path}, found: {error}",
            "delete the folder and convert or download it again",
        ) from None
    return min(found, default=_POSITIONS)


def digest(folder: Path, cache: Path | None) -> str:
    """SHA-256, in hexadecimal, of weights, vocabulary and tokenizer.

    That of a large model is remembered in `cache` (None = nowhere) for as long as sizes and
    times of the files stay what they were.
    """
    names = ("model.bin", "config.json", *_VOCABULARIES, *FILES)
    present = [folder / name for name in names if (folder / name).is_file()]
    note = None
    if cache is not None and sum(path.stat().st_size for path in present) >= _LARGE:
        key = hashlib.sha256("\n".join([str(folder), *stamps(present)]).encode()).hexdigest()
        note = cache / "digests" / key
        if note.is_file():
            return note.read_text("ascii").strip()
    total = hashlib.sha256()
    for path in present:
        with path.open("rb") as file:
            part = hashlib.file_digest(file, "sha256").digest()
        total.update(path.name.encode() + b"\0" + part)
    value = total.hexdigest()
    if note is not None:
        _remember(note, value)
    return value


def stamps(paths: list[Path]) -> list[str]:
    """Name, size and time of each file: equal as long as nobody has written to it."""
    return [
        f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}"
        for path in paths
        if path.is_file()
    ]


def _remember(note: Path, value: str) -> None:
    """Write the note by rename; a cache that cannot be written costs time, nothing else."""
    part = note.with_suffix(f".{os.getpid()}")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(value, "ascii")
        part.replace(note)
    except OSError:
        part.unlink(missing_ok=True)


def _unpack(file: BinaryIO, form: str) -> tuple[int, ...]:
    form = "<" + form
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "H")
    return file.read(length).rstrip(b"\0").decode("utf-8")
