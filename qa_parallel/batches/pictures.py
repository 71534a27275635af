"""What a plan looks like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qa_parallel.pictures import Picture, heat_maps


def language_map(report: Mapping[str, Any]) -> Picture:
    """How many rows have a question in one language and a passage in the other.

    Parameters
    ----------
    report:
        As in the plan's report.json.
    """
    side = report["train"]
    codes = list(side["languages"])
    counts = [[side["matrix"].get(asked, {}).get(found, 0) for found in codes] for asked in codes]
    return heat_maps(
        {"": counts},
        codes,
        codes,
        title=f"Rows by language, {report['build-batches']['strategy']}",
        row_label="question",
        column_label="passage",
        number=",.0f",
        limits=(0, max((count for row in counts for count in row), default=0) or 1),
    )
