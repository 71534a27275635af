"""The page's HTML, and data that must not leave their element."""

from __future__ import annotations

import json
from typing import Any

from qa_parallel.page.render import embedded, render
from qa_parallel.storage import folders


def test_data_cannot_leave_its_element() -> None:
    hostile = "</script><!-- & \u2028\u2029 ü"
    text = str(embedded({"text": hostile}))
    assert not set("<>&\u2028\u2029") & set(text)
    assert "ü" in text
    assert json.loads(text) == {"text": hostile}


def test_a_page_of_nothing_but_a_title() -> None:
    sections = ("notes", "steps", "flows", "qualities", "hits", "plans", "evaluations")
    empty: dict[str, Any] = {name: [] for name in (*sections, "experiments", "languages")}
    page = render(
        {**empty, "title": "<b>&\ud800", "version": "1", "reasons": None, "check": None,
         "source_counts": {}, "sample": None, "data": None, "all_hits": 0}
    )  # fmt: skip
    assert "<title>&lt;b&gt;&amp;? – qa-parallel report</title>" in page
    assert "<script" not in page
    assert folders.MADE_BY in page
