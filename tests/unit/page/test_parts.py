"""Languages as HTML knows them."""

from __future__ import annotations

from qa_parallel.page.parts import tongue


def test_languages_as_html_knows_them() -> None:
    assert (tongue("arb_Arab").tag, tongue("arb_Arab").direction) == ("ar-Arab", "rtl")
    assert (tongue("zho_Hant").tag, tongue("zho_Hant").direction) == ("zh-Hant", "ltr")
    assert tongue("no such").name == "no such"
