"""What the verbs of `qa_parallel` return.

A result stands wherever a path may stand, prints its tables (`print(corpus)`), is shown as a table
in a notebook, and gives scripts its figures (`corpus.record()`).
"""

from __future__ import annotations

from qa_parallel.results.base import Result, Shown
from qa_parallel.results.cache import CacheContents
from qa_parallel.results.corpora import Checked, Corpus, Filtered
from qa_parallel.results.encoders import Comparison, Plan, Results, Trained
from qa_parallel.results.opening import open_result, read_result
from qa_parallel.results.whole import Forecast, Run, Upload

__all__ = [
    "CacheContents",
    "Checked",
    "Comparison",
    "Corpus",
    "Filtered",
    "Forecast",
    "Plan",
    "Result",
    "Results",
    "Run",
    "Shown",
    "Trained",
    "Upload",
    "open_result",
    "read_result",
]
