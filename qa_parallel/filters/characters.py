"""Many texts as one array of code points, so that they are counted together.

A loop over the characters of a million texts takes minutes in Python; over one array it takes
seconds. What a character is (a letter, of which script) comes from Unicode tables, which Polars'
regular expressions know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]

# Beyond it Unicode has no letters, only tags and private use; all of that counts as this one.
_LAST = 0x323B0

# ISO 15924 code to the names of Unicode's scripts, where it is not one of the same name.
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
    "Hang": "Hangul Han",
    "Hans": "Han",
    "Hant": "Han",
    "Hebr": "Hebrew",
    "Jpan": "Han Hiragana Katakana",
    "Khmr": "Khmer",
    "Knda": "Kannada",
    "Laoo": "Lao",
    "Latn": "Latin",
    "Mlym": "Malayalam",
    "Mymr": "Myanmar",
    "Olck": "Ol_Chiki",
    "Orya": "Oriya",
    "Sinh": "Sinhala",
    "Taml": "Tamil",
    "Telu": "Telugu",
    "Tfng": "Tifinagh",
    "Thai": "Thai",
    "Tibt": "Tibetan",
}
# Scripts without spaces between words: each character stands for a word.
_INSIDE = r"[\p{L}\p{M}\p{N}]"
LETTER, DIGIT_OR_LETTER, CAPITAL_OR_DIGIT = r"\p{L}", r"[\p{L}\p{N}]", r"[\p{Lu}\p{Lt}\p{N}]"
_SOLID = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"

# What every text is asked for.
KINDS = (_INSIDE, _SOLID, LETTER, DIGIT_OR_LETTER, CAPITAL_OR_DIGIT)

# Characters of a gram.
GRAM = 4

# Hashes are polynomials in this odd number modulo 2^64, in which it has an inverse: the hash of any
# stretch is then the sum of its terms, moved to the origin.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 2**64)


@dataclass(frozen=True)
class Words:
    """The words of many texts, in order: where each begins and ends, what it says, whose it is.

    `solid` are those of scripts without spaces, where a character stands for a word.
    """

    starts: Ints
    ends: Ints
    hashes: Hashes  # of the folded characters
    texts: Ints
    solid: Bools

    @cached_property
    def trigrams(self) -> Hashes:
        """Every three words in a row of one text: its number in the high 24 bits, a hash below."""
        hashes, owners = self.hashes, self.texts
        grams = (hashes[:-2] * np.uint64(_BASE) + hashes[1:-1]) * np.uint64(_BASE) + hashes[2:]
        inside = owners[:-2] == owners[2:]
        owned = owners[:-2][inside].astype(np.uint64) << np.uint64(40)
        return np.asarray(owned | grams[inside] >> np.uint64(24))


@dataclass(frozen=True)
class Characters:
    """Texts one after the other: text i is `codes[bounds[i]:bounds[i + 1]]`.

    >>> Characters.of(["ab1", "", "c"]).count(r"\\p{Nd}").tolist()
    [1, 0, 0]
    """

    codes: npt.NDArray[np.uint32]
    bounds: Ints

    @classmethod
    def of(cls, texts: Sequence[str]) -> Characters:
        """The characters of `texts`; None is not allowed, the empty string is."""
        data = "".join(texts).encode("utf-32-le", "surrogatepass")
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        codes = np.minimum(np.frombuffer(data, dtype="<u4"), _LAST)
        return cls(codes, np.concatenate([[0], np.cumsum(lengths)]))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> Ints:
        """Code points of each text."""
        return np.asarray(np.diff(self.bounds))

    def where(self, pattern: str) -> Bools:
        """For each character, whether the regular expression of one character matches it."""
        if pattern not in self._where:
            if pattern in KINDS:
                found = np.asarray(self._kinds & (1 << KINDS.index(pattern)), dtype=bool)
            else:
                found = table(pattern)[self.codes]
            self._where[pattern] = found
        return self._where[pattern]

    @cached_property
    def _where(self) -> dict[str, Bools]:
        return {}

    @cached_property
    def _kinds(self) -> npt.NDArray[np.uint8]:
        """A bit for each of `KINDS`, so that a character is looked up once for all of them."""
        return np.asarray(_kinds()[self.codes])

    def only(self, places: Ints) -> Characters:
        """The texts of those numbers alone.

        >>> Characters.of(["ab", "c", "d1"]).only(np.array([0, 2])).count(r"\\p{L}").tolist()
        [2, 1]
        """
        lengths = self.lengths[places]
        codes = self.codes[ranges(self.bounds[places], lengths)]
        return Characters(codes, np.concatenate([[0], np.cumsum(lengths)]))

    def total(self, values: Bools) -> Ints:
        """How many of each text's characters `values` is true for."""
        sums = np.add.reduceat(np.append(values, False), self.bounds[:-1], dtype=np.int64)
        return np.where(self.lengths > 0, sums, 0)

    def count(self, pattern: str) -> Ints:
        """How many of each text's characters the regular expression of one character matches."""
        return self.total(self.where(pattern))

    def total_within(self, values: Bools) -> Ints:
        """How many of each word's characters `values` is true for."""
        return _between(values, self.words.starts, self.words.ends)

    def total_between(self, pattern: str, starts: Ints, lengths: Ints) -> Ints:
        """How many characters of each stretch match the regular expression of one character."""
        matches = table(pattern)
        return np.array(
            [
                int(matches[self.codes[start : start + length]].sum())
                for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
            ],
            dtype=np.int64,
        )

    @cached_property
    def owners(self) -> npt.NDArray[np.int32]:
        """The number of the text that each character belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    @cached_property
    def folded(self) -> npt.NDArray[np.uint32]:
        """The characters in lower case."""
        return np.asarray(_lower()[self.codes])

    def hashes(self, starts: Ints, ends: Ints) -> Hashes:
        """A hash of each stretch of characters, case aside; none is empty."""
        return scramble(_between(_terms(self.folded), starts, ends) * _back(starts))

    @cached_property
    def grams(self) -> Hashes:
        """A hash of the `GRAM` characters from each one on, case aside; the last have none."""
        wide = self.folded.astype(np.uint64)
        pairs = wide[:-1] << np.uint64(18)  # no code point has more bits
        pairs |= wide[1:]
        values = pairs[:-2] * np.uint64(_BASE)
        values += pairs[2:]
        values ^= values >> np.uint64(32)
        values *= np.uint64(_BASE)
        return np.asarray(values)

    @cached_property
    def words(self) -> Words:
        """Runs of letters, marks and digits; in scripts without spaces, single characters."""
        inside = self.where(_INSIDE)
        solid = self.where(_SOLID)
        size = len(inside)
        begins = np.zeros(size + 1, dtype=bool)
        begins[self.bounds] = True
        begins[1:-1] |= ~inside[:-1] | solid[1:] | solid[:-1]
        # A word ends where the next one begins, or what is not inside a word.
        edges = begins.copy()
        edges[:-1] |= ~inside
        places = np.flatnonzero(edges)
        is_start = np.append(inside, False)[places]
        starts = places[is_start]
        ends = places[1:][is_start[:-1]]
        owners = self.owners[starts].astype(np.int64)
        return Words(starts, ends, self.hashes(starts, ends), owners, solid[starts])

    def forms(self) -> Hashes:
        """A hash of each text's words: equal where texts differ in case, punctuation, spacing.

        >>> one, other, third = Characters.of(["Is it?", "is  it", "it is"]).forms().tolist()
        >>> one == other, one == third
        (True, False)
        """
        words = self.words
        prefixes = np.concatenate([[np.uint64(0)], np.cumsum(_terms(words.hashes))])
        edges = np.searchsorted(words.texts, np.arange(len(self) + 1))
        return scramble((prefixes[edges[1:]] - prefixes[edges[:-1]]) * _back(edges[:-1]))


def ranges(starts: Ints, lengths: Ints) -> Ints:
    """The numbers from each start on, so many of them.

    >>> ranges(np.array([5, 1]), np.array([2, 3])).tolist()
    [5, 6, 1, 2, 3]
    """
    ends = np.cumsum(lengths)
    return np.repeat(starts - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)


@cache
def table(pattern: str) -> Bools:
    """For each code point, whether the regular expression of one character matches it."""
    full = np.zeros(_LAST + 1, dtype=bool)
    found = _alphabet().str.contains(f"^(?s:{pattern})$").to_numpy()
    # Surrogates are no characters.
    full[:0xD800], full[0xE000:_LAST] = found[:0xD800], found[0xD800:]
    return full


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    bits = np.zeros(_LAST + 1, dtype=np.uint8)
    for place, pattern in enumerate(KINDS):
        bits |= table(pattern).astype(np.uint8) << np.uint8(place)
    return bits


@cache
def _alphabet() -> pl.Series:
    codes = np.concatenate([np.arange(0xD800), np.arange(0xE000, _LAST)]).astype("<u4")
    text = codes.tobytes().decode("utf-32-le")
    return pl.Series(list(text))


def script_pattern(script: str) -> str:
    """The regular expression of a letter in the script of that ISO 15924 code.

    >>> script_pattern("Hang")
    '[\\\\p{Hangul}\\\\p{Han}]'
    """
    names = _SCRIPTS[script].split()
    return "[" + "".join(f"\\p{{{name}}}" for name in names) + "]"


@cache
def han(kind: str) -> Bools:
    """For each code point, whether it is Han written only in `kind`: "Hans" or "Hant".

    Simplified alone is what GB 2312 has and Big5 has not; traditional alone the reverse.
    """
    simplified, traditional = _encodable("gb2312"), _encodable("big5")
    only = simplified - traditional if kind == "Hans" else traditional - simplified
    full = np.zeros(_LAST + 1, dtype=bool)
    full[sorted(only)] = True
    return full


def _encodable(encoding: str) -> set[int]:
    """The Han code points that an encoding has."""
    every = "".join(map(chr, range(0x4E00, 0xA000)))
    return set(map(ord, every.encode(encoding, "ignore").decode(encoding)))


def _between(values: npt.NDArray[Any], starts: Ints, ends: Ints) -> npt.NDArray[Any]:
    """Sums of stretches, none of which is empty."""
    # From each start to its end, and from there to the next start, which nobody wants.
    edges = np.column_stack([starts, ends]).ravel()
    dtype = np.int64 if values.dtype == bool else values.dtype
    return np.asarray(np.add.reduceat(np.append(values, values[:1]), edges, dtype=dtype)[::2])


def _terms(values: npt.NDArray[Any]) -> Hashes:
    """What each value adds to the polynomial hash of all of them."""
    return np.asarray((values + np.uint64(1)) * _powers(_BASE, len(values)))


def _back(starts: Ints) -> Hashes:
    """What moves the hash of a stretch from where it starts to the origin."""
    return np.asarray(_powers(_INVERSE, int(starts.max(initial=0)) + 1)[starts])


_known: dict[int, Hashes] = {}


def _powers(base: int, size: int) -> Hashes:
    """The first powers of `base`, modulo 2^64."""
    known = _known.get(base)
    if known is None or len(known) < size:
        room = max(1 << 20, 1 << size.bit_length())
        known = np.full(room, np.uint64(base))
        known[0] = 1
        known = _known[base] = np.cumprod(known, dtype=np.uint64)
    return known[:size]


@cache
def _lower() -> npt.NDArray[np.uint32]:
    """Simple lower case: one code point for one."""
    lower = np.arange(_LAST + 1, dtype=np.uint32)
    letters = (
        _alphabet()
        .to_frame("char")
        .with_columns(
            code=pl.concat([pl.arange(0xD800, eager=True), pl.arange(0xE000, _LAST, eager=True)]),
            small=pl.col("char").str.to_lowercase(),
        )
    )
    changed = letters.filter(
        pl.col("small") != pl.col("char"), pl.col("small").str.len_chars() == 1
    )
    lower[changed["code"].to_numpy()] = [ord(small) for small in changed["small"]]
    return lower


def scramble(values: Hashes) -> Hashes:
    """Spread sums over all bits (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))
