"""What belongs together because it shares something with something that shares something …"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

Array = np.ndarray[Any, Any]


def numbers(table: pl.DataFrame, *names: str) -> Array:
    """0, 1, 2 … for the distinct values of some columns in their order; -1 for null.

    >>> numbers(pl.DataFrame({"id": ["b", "a", None, "b"]}), "id").tolist()
    [0, 1, -1, 0]
    """
    values = table.select(names)
    distinct = values.drop_nulls().unique(maintain_order=True).with_row_index("number")
    joined = values.join(distinct, on=names, how="left", maintain_order="left", nulls_equal=False)
    return joined["number"].cast(pl.Int32).fill_null(-1).to_numpy()


def connected(*links: Array) -> Array:
    """The connected components of rows, numbered by their first row.

    Parameters
    ----------
    links:
        Numbers, one a row: rows of one number are linked. -1 links to nothing.

    >>> connected(np.array([0, 1, 1, 2, 3]), np.array([0, 1, 2, 2, -1])).tolist()
    [0, 1, 1, 1, 2]
    """
    labels = np.arange(len(links[0]))
    while True:
        lower = labels.copy()
        for link in links:
            there = link >= 0
            lowest = np.full(int(link.max(initial=-1)) + 1, len(link), dtype=np.int64)
            np.minimum.at(lowest, link[there], lower[there])
            lower[there] = lowest[link[there]]
        lower = lower[lower]  # a label is a row: what it was linked to in the meantime
        if np.array_equal(lower, labels):
            return np.unique(labels, return_inverse=True)[1].astype(np.int32)
        labels = lower
