"""The target tokens that a language may use: its own words, and what it must be able to copy."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

# Share of a text's letters from which on a script is one that the language is written in.
_WRITTEN = 0.01
# Share of a text's letters in the source's script from which on names are taken to be copied.
# French keeps "Kensington", Marathi spells it in its own letters.
_COPIED = 0.1
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_SPACE = "▁"  # how SentencePiece marks the beginning of a word
# What separates tokens in CTranslate2's file of candidates.
_SEPARATORS = frozenset(" \t\r\n")


@dataclass(frozen=True)
class Vocabulary:
    """A list of target tokens, in the order of their ids.

    Attributes
    ----------
    copies:
        Whether the language takes names over letter by letter. Then a source with a name whose
        tokens are not in the list is out of its reach.
    """

    tokens: tuple[str, ...]
    copies: bool

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits, equal for equal lists."""
        text = "\n".join([str(self.copies), *self.tokens])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def reaches(self, source: Sequence[str]) -> bool:
        """Whether the names and numbers in the source's tokens can be copied."""
        return not self.copies or self._known.issuperset(names(source))

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.tokens)


@dataclass(frozen=True)
class Sources:
    """What texts that will be translated are made of.

    Attributes
    ----------
    tokens:
        How often each token occurs.
    names:
        The tokens of names and numbers, which a translation may copy.
    """

    tokens: Mapping[str, int]
    names: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]]) -> Sources:
        """Of the tokens of each text."""
        count: Counter[str] = Counter()
        found: set[str] = set()
        for tokens in texts:
            count.update(tokens)
            found.update(names(tokens))
        return cls(count, frozenset(found))


def build(
    vocabulary: Sequence[str],
    text: Mapping[str, int],
    sources: Sources,
    steering: Iterable[str] = (),
) -> Vocabulary:
    """The list of a language.

    In it are the tokens of `text`; those without a letter (digits, punctuation, signs); single
    bytes, and single characters of Latin and of the scripts of `text`, so that any word can be
    spelled; and, where the language shares the script of the source, the tokens of the names
    and numbers in `sources`.

    Parameters
    ----------
    vocabulary:
        Every token of the model, by id.
    text:
        How often each token occurs in text of the language.
    sources:
        Texts such as will be translated.
    steering:
        Tokens that the decoder needs: the language's, the end's.
    """
    scripts = _scripts(text)
    written = {script for script, share in scripts.items() if share >= _WRITTEN} | {"LATIN"}
    origin = _scripts(sources.tokens)
    main = max(origin, key=lambda script: origin[script], default="")
    copies = scripts.get(main, 0.0) >= _COPIED
    wanted = {*text, *steering}
    if copies:
        wanted |= sources.names
    listed = (
        token
        for token in vocabulary
        if (token in wanted or _always(token, written)) and not _SEPARATORS & set(token)
    )
    return Vocabulary(tuple(listed), copies)


def names(tokens: Sequence[str]) -> Iterator[str]:
    """Tokens of the words with a capital letter or a digit, which a translation may copy.

    >>> list(names(["▁the", "▁Ken", "s", "ington", "▁road", "▁in", "▁19", "99"]))
    ['▁Ken', 's', 'ington', '▁19', '99']
    """
    word: list[str] = []
    telling = False
    for token in tokens:
        if token.startswith(_SPACE):
            if telling:
                yield from word
            word, telling = [], False
        word.append(token)
        telling = telling or _telling(token)
    if telling:
        yield from word


@lru_cache(maxsize=1 << 18)
def _telling(token: str) -> bool:
    return any(char.isupper() or char.isdigit() for char in token)


def _always(token: str, scripts: set[str]) -> bool:
    body = token.removeprefix(_SPACE)
    if len(body) == 1:
        return not _is_letter(body) or _script(body) in scripts
    return _BYTE.fullmatch(token) is not None or not any(map(_is_letter, body))


def _scripts(tokens: Mapping[str, int]) -> dict[str, float]:
    """Share of each script in the letters of the counted tokens."""
    letters: Counter[str] = Counter()
    for token, count in tokens.items():
        for char in token:
            if char.isalpha():
                letters[_script(char)] += count
    total = letters.total()
    return {script: count / total for script, count in letters.items()}


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"


@lru_cache(maxsize=1 << 16)
def _script(char: str) -> str:
    """First word of the character's Unicode name: LATIN, CJK, DEVANAGARI."""
    return unicodedata.name(char, "").partition(" ")[0]
