"""Quality filters: measure every text, then decide, and keep the reason.

`measure.score` gives one number per row, field and check; `limits.decide` says which of them are
beyond their limits. Limits can be changed without measuring again.
"""

from qa_parallel.filters.limits import CHECKS, Limits, bounds, decide
from qa_parallel.filters.measure import MeasureSettings, score

__all__ = ["CHECKS", "Limits", "MeasureSettings", "bounds", "decide", "score"]
