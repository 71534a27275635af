"""N-grams of many texts at once, as hashes: which texts share how many, and which are near.

A batch is at most 65,536 texts. Its n-grams are one sorted array of distinct 64-bit keys, the
number of the text in the upper 16 bits and a hash of the n-gram in the lower 48: so a set of
n-grams a text costs one sort, and no objects. Among a million n-grams, another one has a known hash
by chance once in 280 million.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

BATCH = 1 << 16

Array = np.ndarray[Any, np.dtype[Any]]

_HASH_BITS = np.uint64(48)
_HASH = np.uint64((1 << 48) - 1)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd: 2^64 / golden ratio

# What a word is worth in characters, in scripts that write none between spaces ...
_UNSEGMENTED = {
    2: r"[\p{Han}\p{Hiragana}\p{Katakana}]",
    4: r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]",
}
# ... and the scripts whose characters are syllables or more: half as many make an n-gram.
_SYLLABIC = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"

SEED = 1
PERMUTATIONS = 128
BANDS = 32  # of 4 rows: texts with a Jaccard similarity of 0.5 meet in 87 %, of 0.6 in 99 %


class Grams:
    """The n-grams of a batch of texts in comparison form, as keys; null has none.

    What a text consists of is found out once, for all lengths.

    >>> grams = Grams(pl.Series(["a b c d", "b c d", "x"]))
    >>> texts_of(grams.words(3)).tolist()  # abc, bcd; bcd; nothing
    [0, 0, 1]
    """

    def __init__(self, forms: pl.Series) -> None:
        self.forms = forms
        self._found: dict[tuple[str, int], Array] = {}

    def __len__(self) -> int:
        return len(self.forms)

    def words(self, n: int) -> Array:
        """Keys of all runs of `n` words.

        In scripts without spaces between words, a word is two characters (Chinese, Japanese) or
        four (Thai, Lao, Khmer, Burmese, Tibetan), and the runs begin at every character.
        """
        if ("words", n) not in self._found:
            parts = [_keys(*tokens, n * size) for size, tokens in self._words.items()]
            self._found["words", n] = _distinct(parts)
        return self._found["words", n]

    def characters(self, n: int) -> Array:
        """Keys of all runs of `n` characters, a space at either end included.

        Half as many where a character is a syllable or a word (Chinese, Japanese, Korean).
        """
        if ("characters", n) not in self._found:
            syllabic = _mostly(self.forms, _SYLLABIC)
            runs = [(~syllabic, n), (syllabic, (n + 1) // 2)]
            parts = [_keys(*_characters(self.forms, some, " "), size) for some, size in runs]
            self._found["characters", n] = _distinct(parts)
        return self._found["characters", n]

    @cached_property
    def _words(self) -> dict[int, tuple[Array, Array]]:
        """The tokens of each kind of script, by how many of them a word is worth."""
        rest = pl.Series([True]).new_from_index(0, len(self))
        tokens = {}
        for characters, script in _UNSEGMENTED.items():
            chosen = _mostly(self.forms, script)
            tokens[characters] = _characters(self.forms, chosen, "")
            rest &= ~chosen
        return {1: _words(self.forms, rest), **tokens}


def texts_of(keys: Array) -> Array:
    """The number of the text of each key."""
    return (keys >> _HASH_BITS).astype(np.int64)


def sizes(keys: Array, texts: int) -> Array:
    """How many distinct n-grams each of `texts` texts has."""
    return np.bincount(texts_of(keys), minlength=texts)


class Index:
    """The n-grams of some texts, to look those of others up in.

    Parameters
    ----------
    batches:
        Keys of the texts, batch by batch; the texts are numbered through.
    texts:
        How many texts there are in each batch.
    common:
        An n-gram of more texts than this points to none of them: it is a phrase, or boilerplate.
    """

    def __init__(self, batches: Sequence[Array], texts: Sequence[int], common: int = 50) -> None:
        starts = np.cumsum([0, *texts])
        parts = [texts_of(keys) + start for keys, start in zip(batches, starts[:-1], strict=True)]
        owners = _joined(parts).astype(np.int64, copy=False)
        self.sizes = np.bincount(owners, minlength=int(starts[-1]))
        hashes = _joined([keys & _HASH for keys in batches])
        order = np.argsort(hashes, kind="stable")
        self._owners = owners[order]
        self._grams, self._first, self._count = np.unique(
            hashes[order], return_index=True, return_counts=True
        )
        self._common = common
        # A table of what the upper bits may be keeps nearly all others from being searched for.
        self._shift = np.uint64(48 - min(max(len(self._grams).bit_length() + 4, 10), 27))
        self._seen = np.zeros(1 << int(48 - self._shift), np.bool_)
        self._seen[self._grams >> self._shift] = True

    def holders(self, keys: Array) -> Array:
        """How many of the texts have each key's n-gram."""
        mask, places = self._places(keys)
        holders = np.zeros(len(keys), np.int64)
        holders[mask] = self._count[places]
        return holders

    def weights(self, holders: Array) -> Array:
        """The smoothed inverse document frequency of n-grams that so many texts have."""
        by_count: Array = np.log((1 + len(self.sizes)) / (1 + np.arange(len(self.sizes) + 1))) + 1
        return by_count[holders]

    def shared(self, keys: Array) -> pl.DataFrame:
        """Which texts have how many n-grams in common: text, known (Int64), shared (UInt32).

        `text` is the number in the batch of `keys`, `known` that in the index.
        """
        mask, places = self._places(keys)
        own = self._count[places] <= self._common
        places, texts = places[own], texts_of(keys[mask][own])
        count = self._count[places]
        pairs = pl.DataFrame(
            {
                "text": np.repeat(texts, count),
                "known": self._owners[_ranges(self._first[places], count)],
            }
        )
        return pairs.group_by("text", "known").agg(pl.len().alias("shared")).sort("text", "known")

    def _places(self, keys: Array) -> tuple[Array, Array]:
        """A mask of the known ones among `keys`, and the places of these in the table."""
        hashes = keys & _HASH
        mask = self._seen[hashes >> self._shift]
        places = np.searchsorted(self._grams, hashes[mask])
        places = np.minimum(places, len(self._grams) - 1)
        found = self._grams[places] == hashes[mask] if len(self._grams) else places < 0
        mask[mask] = found
        return mask, places[found]


class Neighbours:
    """Texts that are nearly the same as one of some known texts.

    Candidates are found by MinHash; they are then compared by the weighted Jaccard similarity of
    their n-grams, w(A ∩ B) / w(A ∪ B). The weight is the smoothed inverse document frequency
    log((1 + N) / (1 + df)) + 1 over the N known texts: "what is the capital of" counts for less
    than the name of the country.

    Parameters as for `Index`; `threshold` is the least similarity.
    """

    def __init__(self, batches: Sequence[Array], texts: Sequence[int], threshold: float) -> None:
        from rensa import RMinHashLSH

        self.threshold = threshold
        self._index = Index(batches, texts)
        self._sets = _Sets(_joined([keys & _HASH for keys in batches]), self._index.sizes)
        self._weights = self._index.weights(self._index.holders(self._sets.hashes))
        self._sketches = _sketches(self._sets, range(len(self._index.sizes)))
        self._buckets = RMinHashLSH(threshold, PERMUTATIONS, BANDS)
        self._buckets.insert_many(self._sketches)

    def near(self, keys: Array, texts: int) -> pl.DataFrame:
        """Pairs at or above the threshold: text, known (Int64), similarity (Float64)."""
        holders = self._index.holders(keys)
        sets, weights = _Sets(keys & _HASH, sizes(keys, texts)), self._index.weights(holders)
        hopeful = self._hopeful(texts_of(keys), weights, holders > 0, texts)
        sketches = _sketches(sets, hopeful)
        candidates = [
            (text, known)
            for text, sketch, found in zip(
                hopeful, sketches, self._buckets.query_all(sketches), strict=True
            )
            for known in found
            # the estimate is of the plain similarity, with a deviation of 0.044 at most
            if sketch.jaccard(self._sketches[known]) > self.threshold - 0.25
        ]
        parts = [
            self._compare(np.array(candidates[start : start + BATCH]), sets, weights)
            for start in range(0, len(candidates), BATCH)
        ]
        schema = {"text": pl.Int64, "known": pl.Int64, "similarity": pl.Float64}
        pairs = pl.concat([pl.DataFrame(schema=schema), *parts])
        return pairs.filter(pl.col("similarity") >= self.threshold)

    def _hopeful(self, owners: Array, weights: Array, known: Array, texts: int) -> list[int]:
        """Texts of which enough is known: w(A ∩ B) / w(A ∪ B) is at most the known share of A."""
        share = np.bincount(owners, weights * known, minlength=texts)
        total = np.bincount(owners, weights, minlength=texts)
        return np.flatnonzero((share >= self.threshold * total) & (total > 0)).tolist()

    def _compare(self, pairs: Array, sets: _Sets, weights: Array) -> pl.DataFrame:
        """The similarity of each pair; both sides' hashes become keys by the number of the pair."""
        left, left_keys = sets.keys(pairs[:, 0])
        right, right_keys = self._sets.keys(pairs[:, 1])
        places = np.minimum(np.searchsorted(right_keys, left_keys), len(right_keys) - 1)
        shared = weights[left] * (right_keys[places] == left_keys)
        parts = (
            np.bincount(texts_of(keys), values, minlength=len(pairs))
            for keys, values in (
                (left_keys, shared),
                (left_keys, weights[left]),
                (right_keys, self._weights[right]),
            )
        )
        both, one, other = parts
        return pl.DataFrame(
            {"text": pairs[:, 0], "known": pairs[:, 1], "similarity": both / (one + other - both)}
        )


class _Sets:
    """The hashes of texts, one text after another, sorted within each."""

    def __init__(self, hashes: Array, sizes: Array) -> None:
        self.hashes, self._sizes = hashes, sizes
        self._starts = np.cumsum(sizes) - sizes

    def __getitem__(self, text: int) -> Array:
        start = self._starts[text]
        return self.hashes[start : start + self._sizes[text]]

    def keys(self, texts: Array) -> tuple[Array, Array]:
        """Places of the hashes of `texts`, and their keys, with the rank in `texts` for number."""
        counts = self._sizes[texts]
        places = _ranges(self._starts[texts], counts)
        numbers = np.repeat(np.arange(len(texts), dtype=np.uint64), counts)
        return places, (numbers << _HASH_BITS) | self.hashes[places]


def _sketches(sets: _Sets, texts: Iterable[int]) -> list[Any]:
    """MinHash sketches; a token is the eight bytes of a hash."""
    from rensa import RMinHash

    data = (sets[text].tobytes() for text in texts)
    tokens = [[one[start : start + 8] for start in range(0, len(one), 8)] for one in data]
    return list(RMinHash.from_token_sets(tokens, PERMUTATIONS, SEED)) if tokens else []


def _keys(tokens: Array, texts: Array, n: int) -> Array:
    """Keys of the runs of `n` tokens that lie within one text; a token is a 64-bit number."""
    count = len(tokens) - n + 1
    if count < 1:
        return np.zeros(0, np.uint64)
    value = tokens[:count].copy()
    for place in range(1, n):
        value *= _FACTOR
        value += tokens[place : place + count]
    value ^= value >> np.uint64(29)
    value *= _FACTOR
    whole = texts[:count] == texts[n - 1 :]
    keys: Array = (texts[:count][whole] << _HASH_BITS) | (value[whole] >> np.uint64(16))
    return keys


def _words(forms: pl.Series, chosen: pl.Series) -> tuple[Array, Array]:
    """Hashes of the words of the chosen texts, and the number of the text of each."""
    words = forms.to_frame("form").with_row_index("text").filter(chosen & (forms != ""))
    words = words.select("text", pl.col("form").str.split(" ")).explode("form")
    return words["form"].hash(SEED).to_numpy(), words["text"].to_numpy().astype(np.uint64)


def _characters(forms: pl.Series, chosen: pl.Series, edge: str) -> tuple[Array, Array]:
    """Hashes of the characters of the chosen texts, and the number of the text of each.

    `edge` stands before and after a text; where it is empty, spaces go.
    """
    texts = forms.to_frame("form").with_row_index("text").filter(chosen).drop_nulls()
    form = pl.col("form") if edge else pl.col("form").str.replace_all(" ", "", literal=True)
    texts = texts.select("text", form=pl.concat_str(pl.lit(edge), form, pl.lit(edge)))
    codes = np.frombuffer("".join(texts["form"]).encode("utf-32-le"), np.uint32).astype(np.uint64)
    lengths = texts["form"].str.len_chars().to_numpy()
    hashes = (codes + np.uint64(1)) * np.uint64(0xD6E8FEB86659FD93)
    hashes ^= hashes >> np.uint64(32)
    return hashes * _FACTOR, np.repeat(texts["text"].to_numpy().astype(np.uint64), lengths)


def _mostly(forms: pl.Series, script: str) -> pl.Series:
    """Whether half of the letters are of a script."""
    letters = forms.str.len_chars()
    # what is plain ASCII need not be searched
    other = (forms.str.len_bytes() > letters).fill_null(False)
    found = forms.filter(other).str.count_matches(script) * 2 >= letters.filter(other)
    mask = np.zeros(len(forms), np.bool_)
    mask[other.to_numpy()] = found.to_numpy()
    return pl.Series(mask)


def _distinct(parts: Sequence[Array]) -> Array:
    """Sorted keys, each once. numpy's own `unique` hashes, which takes far longer here."""
    keys = _joined(parts)
    keys.sort()
    first = np.ones(len(keys), np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    distinct: Array = keys[first]
    return distinct


def _joined(parts: Sequence[Array]) -> Array:
    joined: Array = np.concatenate(parts) if parts else np.zeros(0, np.uint64)
    return joined


def _ranges(starts: Array, counts: Array) -> Array:
    """start, start + 1, ... for each start, as many as its count says, one after another."""
    before = np.cumsum(counts) - counts
    ranges: Array = np.arange(int(counts.sum())) + np.repeat(starts - before, counts)
    return ranges
