"""Whether two texts mean the same, by the vectors of an encoder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
# Texts to an array of shape (texts, dimensions), rows of length 1.
Encode = Callable[[list[str]], Vectors]

# Pairs that are compared with each other.
_BLOCK = 1000
# Cosine from which two sources say the same, so that each fits the other's target as well.
_SAME = 0.95


def margins(target: Vectors, source: Vectors) -> Vectors:
    """How much nearer each target is to its own source than to the nearest others.

    The cosine of the pair, less the mean of that of the target with its nearest other source and
    of the source with its nearest other target, in blocks of 1,000 pairs. A bare cosine depends on
    the language and on what a text is about; what is left of it here does so less. (Artetxe and
    Schwenk 2019, the margin by distance, with one neighbour.) NaN where a block has one pair.

    >>> one, other = np.eye(2, dtype=np.float32)
    >>> margins(np.array([one, other]), np.array([one, other])).tolist()
    [1.0, 1.0]
    >>> margins(np.array([other, other]), np.array([one, other])).tolist()
    [-0.5, 0.5]
    """
    found = np.full(len(target), np.nan, dtype=np.float32)
    for start in range(0, len(target), _BLOCK):
        mine, theirs = target[start : start + _BLOCK], source[start : start + _BLOCK]
        cosines = mine @ theirs.T
        own = np.diag(cosines).copy()
        cosines[theirs @ theirs.T > _SAME] = -np.inf  # themselves, and what says the same
        np.fill_diagonal(cosines, -np.inf)
        nearest = (cosines.max(axis=1) + cosines.max(axis=0)) / 2
        found[start : start + _BLOCK] = np.where(np.isfinite(nearest), own - nearest, np.nan)
    return found
