"""The vectors of an evaluation set: made by an encoder, what was made before not again, or given.

vectors = encode(texts, encoder, prefix="query: ", cache=folder)
vectors = given(Path("vectors.npz"), ids)
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa_parallel.encoders.encoder import Encoder
from qa_parallel.encoders.sound import first_unsound, refuse_unsound
from qa_parallel.errors import ModelError, SourceError
from qa_parallel.storage import store
from qa_parallel.storage.cache import TextCache

Vectors = npt.NDArray[np.float32]

# Texts that are encoded and stored together: what a kill can cost.
_WINDOW = 2048


def encode(
    texts: Sequence[str],
    encoder: Encoder,
    prefix: str = "",
    cache: Path | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Vectors:
    """Vectors of length 1, of shape (texts, dimensions); equal texts once.

    Parameters
    ----------
    cache:
        Folder in which vectors are kept, by model, settings and text. None: nothing is kept.
    tell:
        Told how many of how many texts have their vector.

    Raises
    ------
    ModelError
        A vector, made now or before, is not finite or not of length 1; the text is named.
    """
    wanted = list(dict.fromkeys(texts))
    if not wanted:
        return np.zeros((0, 0), dtype=np.float32)
    kept = VectorCache(cache / f"{_name(encoder, prefix)}.sqlite") if cache else None
    found = kept.known([prefix + text for text in wanted]) if kept else {}
    _refuse_damaged(found, cache)
    known = {text: found[prefix + text] for text in wanted if prefix + text in found}
    # Texts of a length together: a batch is padded to its longest one.
    missing = sorted((text for text in wanted if text not in known), key=len)
    tell(len(known), len(wanted))
    for start in range(0, len(missing), _WINDOW):
        window = missing[start : start + _WINDOW]
        made = encoder(window, prefix)
        refuse_unsound(made, window, "from the encoder", "nothing was kept of them")
        if kept:
            kept.store([prefix + text for text in window], made)
        known.update(zip(window, made, strict=True))
        tell(len(known), len(wanted))
    if kept:
        kept.close()
    return np.stack([known[text] for text in texts])


def _refuse_damaged(known: dict[str, Vectors], cache: Path | None) -> None:
    """Say which vector of the cache is none."""
    hint = f"delete the folder {cache}: vectors are made again"
    sizes = {len(vector) for vector in known.values()}
    if len(sizes) > 1:
        raise ModelError(
            f"expected vectors of one length in the cache, found {sorted(sizes)} numbers", hint
        )
    if known:
        refuse_unsound(np.stack(list(known.values())), list(known), "in the cache", hint)


def _name(encoder: Encoder, prefix: str) -> str:
    """All that a vector depends on besides its text behind the prefix."""
    settings = [encoder.digest, encoder.pooling, encoder.max_length, str(encoder.model.dtype)]
    # where the prefix is not pooled, it matters where it ends
    return store.fingerprint(settings if encoder.include_prompt else [*settings, prefix])


def given(path: Path, ids: Sequence[str]) -> Vectors:
    """Vectors from a file, of shape (ids, dimensions), scaled to length 1.

    The file is what `numpy.savez(path, ids=ids, vectors=vectors)` writes, ids as text; it may hold
    more ids than are asked for.

    Raises
    ------
    SourceError
        It is missing, broken, or of another form; an id has no vector, or several; a vector is not
        finite, or zero, so that it cannot be scaled. The first such id is named.
    """
    hint = "write it with numpy.savez(path, ids=ids, vectors=vectors), ids as text"
    if not zipfile.is_zipfile(path):  # anything else numpy takes for a pickle
        raise SourceError(f"expected an .npz file with vectors, found another at {path}", hint)
    try:
        with np.load(path, allow_pickle=False) as file:
            names, vectors = file["ids"], file["vectors"]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise SourceError(f"expected vectors with ids in {path}, found: {error}", hint) from None
    if names.dtype.kind != "U" or names.ndim != 1 or vectors.ndim != 2:
        raise SourceError(
            f"expected ids of shape (texts,) as text and vectors of shape (texts, dimensions) in "
            f"{path}, found {names.dtype}{list(names.shape)} and {list(vectors.shape)}",
            hint,
        )
    if len(names) != len(vectors) or vectors.dtype.kind != "f":
        raise SourceError(
            f"expected a vector of floats for each id in {path}, found {len(names):,} ids and "
            f"{len(vectors):,} vectors of {vectors.dtype}",
            hint,
        )
    places = {name: place for place, name in enumerate(names.tolist())}
    if len(places) < len(names):
        raise SourceError(f"expected each id once in {path}, found {len(names) - len(places)} more")
    missing = [one for one in ids if one not in places]
    if missing:
        raise SourceError(
            f"expected vectors of {len(ids):,} texts in {path}, found {len(missing):,} without, "
            f"such as {missing[0]}",
            "--texts FILE writes all ids with their texts",
        )
    found = vectors[[places[one] for one in ids]].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        scaled: Vectors = (found / lengths).astype(np.float32)
    wrong = first_unsound(scaled)
    if wrong is not None:
        raise SourceError(
            f"expected finite numbers, and not zeros alone, in {path}, found the vector of "
            f"{ids[wrong[0]]!r} to be none",
            "one such vector may rank before all others",
        )
    return scaled


class VectorCache(TextCache):
    """A file per (model digest, settings of the encoder)."""

    kind = "vector"
    columns = {"vector": "BLOB"}  # noqa: RUF012

    def known(self, texts: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """The vectors of those `texts` that are in the cache."""
        return {text: np.frombuffer(data, "<f4") for text, data in self._select(texts)}

    def store(self, texts: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Add a vector for each text in one transaction."""
        rows = vectors.astype("<f4")
        self._insert((text, row.tobytes()) for text, row in zip(texts, rows, strict=True))
