"""Parts of the page that several sections share: languages, durations, shares."""

from __future__ import annotations

from dataclasses import dataclass

from qa_parallel.language_codes import LANGUAGES


@dataclass(frozen=True)
class Tongue:
    """A language as the page writes it: `tag` and `direction` are those of HTML."""

    code: str
    name: str
    tag: str
    direction: str
    script: str


def tongue(code: str) -> Tongue:
    """The language of an NLLB code; one that is not known is called by its code."""
    known = LANGUAGES.get(code)
    if known is None:
        return Tongue(code, code, "und", "auto", "")
    return Tongue(
        code,
        known.name,
        f"{known.iso639_1 or known.iso639_3}-{known.script}",
        "rtl" if known.right_to_left else "ltr",
        known.script_name,
    )
