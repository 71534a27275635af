"""The 202 languages of NLLB-200: their codes, names and scripts, and how people write them.

`languages.json` is the table; its columns are the fields of `Language`, besides `aliases`: other
names and codes by which `parse` knows the language.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from qa_parallel.errors import LanguageError

_SCRIPTS = {
    "Arab": "Arabic",
    "Armn": "Armenian",
    "Beng": "Bengali",
    "Cyrl": "Cyrillic",
    "Deva": "Devanagari",
    "Ethi": "Ethiopic",
    "Geor": "Georgian",
    "Grek": "Greek",
    "Gujr": "Gujarati",
    "Guru": "Gurmukhi",
    "Hang": "Hangul",
    "Hans": "Han (Simplified)",
    "Hant": "Han (Traditional)",
    "Hebr": "Hebrew",
    "Jpan": "Japanese",
    "Khmr": "Khmer",
    "Knda": "Kannada",
    "Laoo": "Lao",
    "Latn": "Latin",
    "Mlym": "Malayalam",
    "Mymr": "Myanmar",
    "Olck": "Ol Chiki",
    "Orya": "Odia",
    "Sinh": "Sinhala",
    "Taml": "Tamil",
    "Telu": "Telugu",
    "Tfng": "Tifinagh",
    "Thai": "Thai",
    "Tibt": "Tibetan",
}
_RIGHT_TO_LEFT = {"Arab", "Hebr"}
# Scripts that write the words of a sentence without spaces between them.
_UNSEGMENTED = {"Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt"}
# Of these, the ones without a space between sentences too. The others do write one: Thai has no
# full stop, the space is all that parts two sentences.
_UNSPACED = {"Hans", "Hant", "Jpan"}

# In FLORES-200, but no token of NLLB-200; and what to take instead.
_NOT_IN_MODEL = {"arb-latn": "arb_Arab", "min-arab": "min_Latn"}

# language[-Script][-REGION], lower case
_TAG = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-(?:[a-z]{2}|\d{3}))?")


@dataclass(frozen=True)
class Language:
    """One language in one script, as NLLB-200 knows it.

    Attributes
    ----------
    code:
        The model's own code, "swh_Latn".
    name:
        English name, as FLORES-200 gives it.
    script:
        ISO 15924 code of the script of the text. It differs from the end of `code` once:
        "sat_Beng" is Santali in Ol Chiki.
    iso639_1:
        Two-letter code of the language or, where people use that, of its macrolanguage ("ar" for
        every Arabic, "fa" for Dari); None where there is none.
    m2m:
        Code in M2M-100, e.g. "sw"; None where that model does not know the language.
    labels:
        Labels of language identifiers (ISO 639-1 and 639-3) that count as this language: its own,
        its macrolanguage's, and those of languages that no tool tells apart on short text.
    """

    code: str
    name: str
    script: str
    iso639_1: str | None
    m2m: str | None
    labels: frozenset[str]

    @property
    def iso639_3(self) -> str:
        """Three-letter code, "swh"."""
        return self.code[:3]

    @property
    def script_name(self) -> str:
        """English name of the script, "Latin"."""
        return _SCRIPTS[self.script]

    @property
    def right_to_left(self) -> bool:
        """Whether the script runs from right to left."""
        return self.script in _RIGHT_TO_LEFT

    @property
    def segmented(self) -> bool:
        """Whether spaces stand between words: False for Thai, True for French."""
        return self.script not in _UNSEGMENTED

    @property
    def joiner(self) -> str:
        """What stands between two sentences: "" in Chinese and Japanese, " " elsewhere."""
        return "" if self.script in _UNSPACED else " "

    def __str__(self) -> str:
        return f"{self.code} ({self.name.replace(' (', ', ').replace(')', '')})"


@dataclass(frozen=True)
class _Index:
    """What people write, folded, to the codes that it may mean."""

    languages: dict[str, Language]
    meant: dict[str, tuple[str, ...]]  # several codes: ambiguous
    related: dict[str, tuple[str, ...]]  # every code of a language, for a choice by script


class _Languages(Mapping[str, Language]):
    """The table, read when it is first looked into."""

    def __getitem__(self, code: str) -> Language:
        return _index().languages[code]

    def __iter__(self) -> Iterator[str]:
        return iter(_index().languages)

    def __len__(self) -> int:
        return len(_index().languages)


# By NLLB code: LANGUAGES["swh_Latn"].name == "Swahili"
LANGUAGES: Mapping[str, Language] = _Languages()


def parse(text: str) -> str:
    """The NLLB code of a language given by code or English name.

    Understood are NLLB / FLORES-200 codes ("eng_Latn", "eng-latn"), ISO 639-1 and 639-3, BCP 47
    tags ("zh-TW", "pt-BR": a region that makes no difference to the model is dropped), M2M-100's
    codes, and names; case does not matter. A macrolanguage is its largest member, "ar" Modern
    Standard Arabic.

    Raises
    ------
    LanguageError
        Unknown (the message holds the nearest choices), ambiguous ("ks" has two scripts), or a
        script that the model does not write the language in ("sr-Latn").

    Examples
    --------
    >>> parse("de"), parse("zh-TW"), parse("Swahili"), parse("no")
    ('deu_Latn', 'zho_Hant', 'swh_Latn', 'nob_Latn')
    """
    index, key = _index(), _fold(text)
    if key in _NOT_IN_MODEL:
        raise LanguageError(
            f"expected a language of NLLB-200, found {text!r}, which FLORES-200 has but the "
            "model has not",
            f"the nearest is {LANGUAGES[_NOT_IN_MODEL[key]]}",
        )
    if key in index.meant:
        return _only(text, index.meant[key])
    tag = _TAG.fullmatch(key)
    if tag is None or tag[1] not in index.meant:
        raise _unknown(text, key)
    language, script = tag.groups()
    if script is None:
        return _only(text, index.meant[language])
    if f"{language}-{script}" in index.meant:
        return _only(text, index.meant[f"{language}-{script}"])
    return _in_script(text, language, script)


def parse_many(text: str | Iterable[str]) -> list[str]:
    """NLLB codes of several languages, each once, in the order given.

    Raises
    ------
    LanguageError
        One of them is not known, or there is none at all.

    Examples
    --------
    >>> parse_many("de,fr , es, German")
    ['deu_Latn', 'fra_Latn', 'spa_Latn']
    """
    parts = text.split(",") if isinstance(text, str) else list(text)
    codes = list(dict.fromkeys(parse(part) for part in parts if part.strip()))
    if not codes:
        raise LanguageError("expected at least one language, found none", 'write "de,fr,es"')
    return codes


def nearest(text: str, among: Iterable[str], limit: int = 3) -> list[str]:
    """Up to `limit` NLLB codes of `among` whose code, name or alias looks like `text`, best first.

    >>> nearest("Germn", ["fra_Latn", "deu_Latn"])
    ['deu_Latn']
    """
    from rapidfuzz import fuzz, process

    allowed = set(among)
    keys = [
        (key, code) for key, codes in _index().meant.items() for code in codes if code in allowed
    ]
    found = process.extract(
        _fold(text), [key for key, _ in keys], scorer=fuzz.ratio, score_cutoff=55, limit=4 * limit
    )
    return list(dict.fromkeys(keys[place][1] for _, _, place in found))[:limit]


def _only(text: str, codes: tuple[str, ...]) -> str:
    if len(codes) > 1:
        raise LanguageError(
            f"expected one language, found {text!r}, which may be any of "
            f"{', '.join(str(LANGUAGES[code]) for code in codes)}",
            "give the code that you mean",
        )
    return codes[0]


def _in_script(text: str, language: str, script: str) -> str:
    index = _index()
    for codes in (index.meant[language], index.related[language]):
        written = tuple(code for code in codes if LANGUAGES[code].script.lower() == script)
        if written:
            return _only(text, written)
    choices = ", ".join(str(LANGUAGES[code]) for code in index.related[language])
    raise LanguageError(
        f"expected a script that NLLB-200 writes this language in, found {text!r}",
        f"choose from {choices}",
    )


def _unknown(text: str, key: str) -> LanguageError:
    choices = ", ".join(str(LANGUAGES[code]) for code in nearest(key, LANGUAGES))
    return LanguageError(
        f"expected a language of NLLB-200, found {text!r}",
        f"did you mean {choices}?" if choices else "write a code or a name: swh_Latn, sw, Swahili",
    )


def _fold(text: str) -> str:
    """Lower case, without accents, with - for _ and ' for ’."""
    text = unicodedata.normalize("NFKD", text.replace("’", "'").replace("_", "-"))
    return " ".join("".join(c for c in text if not unicodedata.combining(c)).casefold().split())


@cache
def _index() -> _Index:
    rows = json.loads(files("qa_parallel").joinpath("languages.json").read_text("utf-8"))
    languages: dict[str, Language] = {}
    own: dict[str, dict[str, None]] = {}  # dicts for sets that keep their order
    weak: dict[str, dict[str, None]] = {}
    for row in rows:
        aliases = row.pop("aliases")
        language = Language(**{**row, "labels": frozenset(row["labels"])})
        languages[language.code] = language
        for key in (language.code, language.name, language.m2m, *aliases):
            if key:
                own.setdefault(_fold(key), {})[language.code] = None
        # Where no language has it for itself, a shared code or a name without its script is
        # ambiguous.
        for key in (language.iso639_3, language.iso639_1, language.name.partition(" (")[0]):
            if key:
                weak.setdefault(_fold(key), {})[language.code] = None
    return _Index(
        languages,
        {key: tuple(codes) for key, codes in {**weak, **own}.items()},
        {key: tuple({**own.get(key, {}), **weak.get(key, {})}) for key in own.keys() | weak.keys()},
    )
