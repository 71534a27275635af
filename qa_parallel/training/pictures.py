"""How trainings went, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from qa_parallel.evaluation.measures import named
from qa_parallel.pictures import Picture, line_charts

_POINTS = 60  # of a line; more cannot be told apart


def training_curves(runs: Mapping[str, Mapping[str, Any]]) -> Picture:
    """The losses of trainings, and what their validations found.

    Parameters
    ----------
    runs:
        What training.json of each run holds, by the name of the run.
    """
    losses = {name: run["losses"] for name, run in runs.items()}
    size = max(1, math.ceil(max(map(len, losses.values()), default=0) / _POINTS))
    panels = {
        "loss" if size == 1 else f"loss, means of {size} steps": {
            name: _means(mine, size) for name, mine in losses.items()
        }
    }
    for measure in dict.fromkeys(run["train"]["measure"] for run in runs.values()):
        validations = {
            name: run["validations"]
            for name, run in runs.items()
            if run["train"]["measure"] == measure and run["validations"]
        }
        if validations:
            panels[f"validation, {named(measure).label}"] = validations
    return line_charts(panels, title="Training", x_label="step")


def _means(values: Sequence[float], size: int) -> list[tuple[float, float]]:
    """The last step of every `size` ones, and the mean of them.

    >>> _means([4, 2, 1], 2)
    [(2, 3.0), (3, 1.0)]
    """
    starts = range(0, len(values), size)
    return [
        (min(start + size, len(values)), fmean(values[start : start + size])) for start in starts
    ]
