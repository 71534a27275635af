"""Whether vectors are vectors: finite, and of length 1. NaN would rank before all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qa_parallel.errors import ModelError

# Of the squared length: float32 sums of some thousand squares are far nearer to 1.
_TOLERANCE = 1e-3
_SHOWN = 60  # characters of a text that an error shows


def first_unsound(vectors: npt.NDArray[np.float32]) -> tuple[int, str] | None:
    """The row of the first vector that is none, and what is found there; None where all are.

    Parameters
    ----------
    vectors:
        Of shape (texts, dimensions).

    Examples
    --------
    >>> first_unsound(np.array([[0.6, 0.8], [np.nan, 0.0]], dtype=np.float32))
    (1, 'NaN or infinity')
    >>> first_unsound(np.array([[0.6, 0.8], [0.3, 0.4]], dtype=np.float32))
    (1, 'length 0.5')
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        wrong = np.flatnonzero(~(np.abs(squares - 1) <= _TOLERANCE))
    if not len(wrong):
        return None
    row = int(wrong[0])
    finite = bool(np.isfinite(vectors[row]).all())
    return row, f"length {np.sqrt(squares[row]):.3g}" if finite else "NaN or infinity"


def refuse_unsound(
    vectors: npt.NDArray[np.float32], texts: Sequence[str], where: str, hint: str
) -> None:
    """Name the first text whose vector is not finite, or not of length 1.

    Raises
    ------
    ModelError
        There is one.
    """
    found = first_unsound(vectors)
    if found is not None:
        row, what = found
        text = texts[row] if len(texts[row]) <= _SHOWN else f"{texts[row][:_SHOWN]}…"
        raise ModelError(f"expected vectors of length 1 {where}, found {what} of {text!r}", hint)
