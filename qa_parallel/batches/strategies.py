"""The strategies: which languages meet in a batch. To add one, add a value to `STRATEGIES`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class BatchKind:
    """A kind of batch.

    Attributes
    ----------
    pairs:
        Whether a question in the first language may stand in such a batch with a passage in the
        second; both are NLLB codes.
    grouped:
        Whether each batch keeps to one pair of languages, rather than holding all of them.
    """

    name: str
    pairs: Callable[[str, str], bool]
    grouped: bool = False


@dataclass(frozen=True)
class Strategy:
    """A strategy: its kinds of batches, and how many there are of each.

    Attributes
    ----------
    meaning:
        What a batch holds, in a few words.
    shares:
        The part of all batches that each kind makes up. None: the settings' `alpha` for the first
        of two kinds and the rest for the second, or all for the only one.

    Examples
    --------
    >>> [(kind.name, share) for kind, share in STRATEGIES["hybrid"].parts(alpha=0.25).items()]
    [('monolingual', 0.25), ('cross-lingual', 0.75)]
    """

    name: str
    meaning: str
    kinds: tuple[BatchKind, ...]
    shares: tuple[float, ...] | None = None

    def parts(self, alpha: float) -> dict[BatchKind, float]:
        """Its kinds of batches with their shares; none that has no share."""
        known = (1.0,) if len(self.kinds) == 1 else (alpha, 1 - alpha)
        shares = zip(self.kinds, self.shares or known, strict=True)
        return {kind: share for kind, share in shares if share}


MONOLINGUAL = BatchKind("monolingual", operator.eq, grouped=True)
CROSS_LINGUAL = BatchKind("cross-lingual", operator.ne)
MIXED = BatchKind("mixed", operator.eq)

STRATEGIES = {
    strategy.name: strategy
    for strategy in (
        Strategy("monolingual", "one language in each batch", (MONOLINGUAL,)),
        Strategy(
            "cross-lingual",
            "each question with a passage in another language, all pairs in a batch",
            (CROSS_LINGUAL,),
        ),
        Strategy("hybrid", "batches of both these kinds", (MONOLINGUAL, CROSS_LINGUAL)),
        # LAReQA's X-X
        Strategy("mixed", "each row in one language, all languages in a batch", (MIXED,)),
    )
}
# What is trained by and compared where nothing is said.
COMPARED = ("monolingual", "cross-lingual", "hybrid")
