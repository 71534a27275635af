"""Quality filters: measure every text, then decide, and keep the reason.

`measure.score` gives one number per row, field and check; `limits.decide` says which of them are
beyond their limits. Limits can be changed without measuring again. What the checks are stands in
`checks`, and how one's own is handed in.
"""

from qa_parallel.filters.checks import CHECKS, Check, Limits
from qa_parallel.filters.limits import bounds, decide
from qa_parallel.filters.measure import score
from qa_parallel.filters.settings import MeasureSettings

__all__ = ["CHECKS", "Check", "Limits", "MeasureSettings", "bounds", "decide", "score"]
