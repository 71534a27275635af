"""Which language a name or a column says: NLLB's code, or a tag as it is written.

Evaluation sets are in more languages than NLLB has: Tatoeba's `ang` and `gsw`, NTREX's `fuc`. Such
a tag is carried as it stands; it is never taken for English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import PurePosixPath

from qa_parallel import language_codes
from qa_parallel.errors import LanguageError, SourceError
from qa_parallel.sources import readers
from qa_parallel.sources.files import COMPRESSED, split_of

ENGLISH = "eng_Latn"

_TAG = re.compile(r"[a-z]{3}([-_][A-Z][a-z]{3})?")
_SIDES = re.compile(r"context-([a-z]{2,3})-question-([a-z]{2,3})")
# Words of three letters that name files, and no language here.
_WORDS = frozenset(
    {
        *("all", "csv", "dev", "doc", "faq", "ids", "jsn", "new", "old", "out", "pos", "neg"),
        *("qas", "raw", "set", "src", "sub", "tgt", "tmp", "top", "tsv", "txt", "val"),
    }
)


@cache
def read_tag(text: str) -> str | None:
    """NLLB's code for a tag, the tag where NLLB has no such language, None where it is none.

    >>> read_tag("de"), read_tag("gsw"), read_tag("python")
    ('deu_Latn', 'gsw', None)
    """
    try:
        return language_codes.parse(text)
    except LanguageError:
        tag = text.strip()
        return tag if _TAG.fullmatch(tag) and tag[:3] not in _WORDS else None


def language_of(name: str) -> str | None:
    """The language of NLLB that a file or folder is named by; None where there is none.

    >>> language_of("de.json"), language_of("xquad.zh.json"), language_of("miracl-v1.0-sw")
    ('deu_Latn', 'zho_Hans', 'swh_Latn')
    >>> language_of("dev-context-en-question-de.json"), language_of("train.jsonl")
    ('deu_Latn', None)
    """
    stem = _stem(name)
    parts = stem.split(".")
    for part in (stem, *parts, re.split(r"[-_]", parts[-1])[-1]):
        if re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z]{2,4})?", part):
            try:
                return language_codes.parse(part)
            except LanguageError:
                continue
    return None


def pair_of(name: str) -> tuple[str, str] | None:
    """Both languages that a file is named by, AfriQA's native one and the pivot.

    >>> pair_of("fon.fr.train.json"), pair_of("fon.json")
    (('fon_Latn', 'fra_Latn'), None)
    """
    found = [one for one in map(_exact, _stem(name).split(".")) if one]
    return (found[0], found[1]) if len(found) == 2 else None


def passages_of(name: str) -> str | None:
    """The language of the passages where a file is named by both, as MLQA's are.

    >>> passages_of("dev-context-en-question-de.json")
    'eng_Latn'
    """
    match = _SIDES.search(name)
    return _exact(match[1]) if match else None


def folder_languages(labels: Sequence[str], where: str) -> dict[str, str | None]:
    """The language of each file of a folder by its name; None for all where no name says one.

    Raises
    ------
    SourceError
        Some names say a language, and one does not.
    """
    found = {label: _of_label(label) for label in labels}
    unknown = [label for label, code in found.items() if code is None]
    written = {label: _written(label) for label in unknown}
    if len(unknown) == len(labels) and None in written.values():
        return dict.fromkeys(labels)
    for label in unknown:
        if written[label] is None:
            others = ", ".join(sorted({code for code in found.values() if code})[:5])
            raise SourceError(
                f"expected a language in the name of each file of {where}, as others say {others}, "
                f"found {label}",
                "name it by its language, for example de.json, or take it out of the folder",
            )
    return {label: found[label] or written[label] for label in labels}


def _of_label(label: str) -> str | None:
    """The language of a file's name, or of the folder that it is in."""
    parts = PurePosixPath(label).parts
    named = language_of(parts[-1]) if split_of(_stem(parts[-1])) is None or "." in label else None
    return named or next((code for code in map(language_of, reversed(parts[:-1])) if code), None)


def _written(label: str) -> str | None:
    """A tag that NLLB has not, in the name of a file or its folder."""
    parts = [part for one in PurePosixPath(label).parts for part in _stem(one).split(".")]
    return next((tag for tag in map(read_tag, parts) if tag and _TAG.fullmatch(tag)), None)


def _exact(part: str) -> str | None:
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z][a-z]{3})?", part):
        return None
    try:
        return language_codes.parse(part)
    except LanguageError:
        return None


def _stem(name: str) -> str:
    """A name without the suffixes of its format and compression."""
    stem = PurePosixPath(name).name
    for suffix in COMPRESSED:
        stem = stem.removesuffix(suffix)
    suffix = PurePosixPath(stem).suffix
    return stem.removesuffix(suffix) if readers.known_format(suffix.lower()) else stem
