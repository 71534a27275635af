"""What the characters of a text, and of what it was translated from, tell of its faults."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from qa_parallel.filters.characters import (
    CAPITAL_OR_DIGIT,
    DIGIT_OR_LETTER,
    GRAM,
    LETTER,
    Bools,
    Characters,
    Floats,
    Hashes,
    Ints,
    han,
    ranges,
    script_pattern,
)
from qa_parallel.language_codes import LANGUAGES

# Characters that every text is taken to be longer by: the ratio of short texts says little.
_PADDING = 10
# Characters that a script needs for what English says in one, rounded. A language is measured
# against its own median as soon as there are enough texts of it.
_DENSITY = {
    **{"Arab": 0.85, "Armn": 1.1, "Beng": 1.0, "Cyrl": 1.05, "Deva": 1.0, "Ethi": 0.7},
    **{"Geor": 1.1, "Grek": 1.15, "Gujr": 1.0, "Guru": 1.0, "Hang": 0.5, "Hans": 0.33},
    **{"Hant": 0.32, "Hebr": 0.8, "Jpan": 0.45, "Khmr": 1.1, "Knda": 1.05, "Laoo": 1.0},
    **{"Latn": 1.08, "Mlym": 1.15, "Mymr": 1.15, "Olck": 1.0, "Orya": 1.0, "Sinh": 1.0},
    **{"Taml": 1.15, "Telu": 1.0, "Tfng": 1.0, "Thai": 0.95, "Tibt": 1.15},
}
# Longest stretch that is looked for again at once, in words.
_PERIODS = 40
# Least parts of a text for a share of them to say anything.
_LEAST_GRAMS, _LEAST_WORDS, _LEAST_HAN = 8, 12, 3
# Characters of a stretch of four or more words that cannot be meant twice in a row: "all that
# lives, all that lives" can, in languages of short words.
_LONG = 20
# Words in a row that are looked for again.
_WIDTH = 3
# Share of letters in another script from which it is asked whether the source has those words.
_FOREIGN = 0.2

# MinHash by one permutation: the least hash in each of 16 bins, in bands of two.
_BINS, _BANDS = 16, 8
BANDS = [f"band_{number}" for number in range(_BANDS)]

# What a text must not hold unless its source does: regular expressions of Polars.
LEFTOVERS = {
    "unknown": r"<unk>|\x{FFFD}|⁇",
    "entities": r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8}\d{0,2});",
    "markup": r"</?[a-zA-Z][a-zA-Z0-9]{0,10}(?:\s[^<>]{0,200})?/?>|\[/?(?:b|i|u|url|img|quote)\]",
    "control": r"[\p{Cc}--[\t\n\r]]",
}
# What a finished sentence ends with.
_END = r"[\p{P}\p{S}]\s*$"
# Scripts that need no mark at the end of a sentence.
_UNMARKED = {"Thai", "Laoo"}


def leftovers(language: str) -> list[pl.Expr]:
    """Scores that regular expressions tell, for a table of columns `target` and `source`.

    For each kind of `LEFTOVERS`, how many more of them the target holds than the source; and
    `unfinished`: whether the source ends with a mark and the target does not, null where that
    is no fault.
    """
    target, source = pl.col("target"), pl.col("source")
    more = [
        (
            target.str.count_matches(pattern).cast(pl.Int32)
            - source.str.count_matches(pattern).fill_null(0).cast(pl.Int32)
        )
        .clip(0)
        .cast(pl.Float32)
        .alias(name)
        for name, pattern in LEFTOVERS.items()
    ]
    lost = source.str.contains(_END) & ~target.str.contains(_END)
    if LANGUAGES[language].script in _UNMARKED:
        lost = pl.lit(None, dtype=pl.Boolean)
    return [*more, lost.alias("unfinished")]


def measure(
    target: Characters,
    source: Characters | None,
    language: str,
    source_language: str | None,
    sketched: bool = False,
) -> dict[str, Floats | Hashes]:
    """Scores of texts that come from their characters, and hashes that tell equal texts.

    Parameters
    ----------
    source:
        What each text was translated from; None where the texts are originals.
    sketched:
        Whether `BANDS` are wanted too, by which near duplicates are found.

    Returns
    -------
    One array per check, NaN where a text is not checkable:

    empty       letters and digits
    script      share of letters in the language's script; a word that the source has is fine
    han         share of the right kind of Han, simplified or traditional, among those of one kind
    loop        the longest stretch said again at once, as a multiple of what can be meant
    repetition  share of word trigrams that stood there before
    copied      share of character 4-grams that stand in the source, names and numbers aside
    length      log of the target's characters over what the source's let expect
    letters     how many there are
    form        hash of the words
    """
    letters = target.count(LETTER)
    found: dict[str, Floats | Hashes] = {
        "empty": target.count(DIGIT_OR_LETTER).astype(float),
        "letters": letters.astype(float),
        "script": _script(target, source, letters, language),
        "loop": loops(target),
        "repetition": repetition(target),
        "form": target.forms(),
    }
    if sketched:
        found |= dict(zip(BANDS, bands(target).T, strict=True))
    script = LANGUAGES[language].script
    if script in ("Hans", "Hant"):
        found["han"] = _han(target, script)
    if source is None or source_language is None:
        return found
    for name, check, suspect in (("loop", loops, 0.5), ("repetition", repetition, 0.1)):
        found[name] = _excused(found[name], check, suspect, source)
    expected = source.lengths * _density(language) / _density(source_language)
    ratio = (target.lengths + _PADDING) / (expected + _PADDING)
    found["length"] = np.where(source.lengths > 0, np.log(ratio), np.nan)
    alike = 2 * target.count(script_pattern(LANGUAGES[source_language].script)) > letters
    found["copied"] = np.zeros(len(target))
    if 2 * np.count_nonzero(alike) > len(target):
        found["copied"] = copied(target, source)
    elif alike.any():
        places = np.flatnonzero(alike)
        found["copied"][places] = copied(target.only(places), source.only(places))
    return found


def _density(language: str) -> float:
    return 1.0 if language == "eng_Latn" else _DENSITY[LANGUAGES[language].script]


def _excused(
    scores: Floats | Hashes,
    check: Callable[[Characters], Floats],
    suspect: float,
    source: Characters,
) -> Floats:
    """`scores` less what the sources have of it themselves; only high ones need a look there."""
    left = np.asarray(scores, dtype=float).copy()
    places = np.flatnonzero(left >= suspect)
    theirs = np.nan_to_num(check(source.only(places)))
    left[places] = np.maximum(left[places] - np.where(theirs >= suspect, theirs, 0), 0)
    return left


def _script(target: Characters, source: Characters | None, letters: Ints, language: str) -> Floats:
    """Share of letters in the script of `language`; words that the source has do not count."""
    pattern = script_pattern(LANGUAGES[language].script)
    outside = letters - target.total(target.where(pattern) & target.where(LETTER))
    places = np.flatnonzero(outside > _FOREIGN * letters)
    if source is not None and len(places):
        some, theirs = target.only(places), source.only(places)
        foreign = some.where(LETTER) & ~some.where(pattern)
        outside[places] = some.total(foreign & ~_spread(some, _words_of(some, theirs)))
    return np.where(letters > 0, 1 - outside / np.maximum(letters, 1), np.nan)


def _words_of(target: Characters, source: Characters) -> Bools:
    """For each word of the targets, whether its own source has it too."""
    mine, theirs = (
        side.words.hashes ^ side.words.texts.astype(np.uint64) * np.uint64(0xD6E8FEB86659FD93)
        for side in (target, source)
    )
    return np.isin(mine, theirs)


def _spread(characters: Characters, chosen: Bools) -> Bools:
    """For each character, whether it belongs to one of the chosen words."""
    steps = np.zeros(len(characters.codes) + 1, dtype=np.int8)
    steps[characters.words.starts[chosen]] += 1
    steps[characters.words.ends[chosen]] -= 1
    return np.cumsum(steps[:-1], dtype=np.int8).astype(bool)


def _han(target: Characters, script: str) -> Floats:
    right = target.total(han(script)[target.codes])
    wrong = target.total(han("Hant" if script == "Hans" else "Hans")[target.codes])
    told = right + wrong
    return np.where(told >= _LEAST_HAN, right / np.maximum(told, 1), np.nan)


def loops(texts: Characters) -> Floats:
    """How far a stretch that is said again at once goes beyond what can be meant, per text.

    1 or more cannot be meant: one or two words five times over, three words three times, as four
    or more short ones, four or more with at least 20 characters twice, a letter six times. In
    scripts without spaces two characters make a word. 0 where fewer than three words are said
    again.

    >>> loops(Characters.of(["no no no no", "it was there that it was there that"])).tolist()
    [0.75, 0.5]
    """
    scores = _stutters(texts)
    words, grams, solid = texts.words, texts.words.trigrams, _solid(texts)
    spans = range(1, min(_PERIODS, len(grams) - 1) + 1)
    again = [np.flatnonzero(grams[span:] == grams[:-span]) for span in spans]
    # Those of each period on a line of their own, so that no run goes on in the next one.
    lines = [places + span * len(grams) for span, places in zip(spans, again, strict=True)]
    starts, lengths = _runs(np.concatenate([np.zeros(0, dtype=np.int64), *lines]))
    periods, starts = np.divmod(starts, max(len(grams), 1))
    owners = (grams[starts] >> np.uint64(40)).astype(np.int64)
    first = np.flatnonzero(words.texts[:-2] == words.texts[2:])[starts]
    short = words.starts[first + periods] - words.starts[first] < _LONG
    needed = np.where(
        solid[owners], 2 * _needed((periods + 1) // 2), _needed(periods, short & (periods > 3))
    )
    # A run counts the words that are said again, without the first time.
    np.maximum.at(scores, owners, (lengths + _WIDTH - 1) / needed)
    return scores


def _stutters(texts: Characters) -> Floats:
    """The same for one to three letters inside words."""
    scores = np.zeros(len(texts))
    for period in range(1, 4):
        same = texts.folded[period:] == texts.folded[:-period]
        least = 4 * period
        same &= texts.owners[period:] == texts.owners[:-period]
        starts, lengths = _runs(np.flatnonzero(_opened(same, least)))
        worded = texts.total_between(LETTER, starts, lengths + period) == lengths + period
        owners = texts.owners[starts[worded]]
        np.maximum.at(scores, owners, lengths[worded] / (5 * period))
    return scores


def _opened(same: Bools, least: int) -> Bools:
    """`same` without the runs of True that are shorter than `least`."""
    kept = same
    width = 1
    while width < least:  # True where a run of `width` begins
        step = min(width, least - width)
        kept = kept[:-step] & kept[step:] if len(kept) > step else kept[:0]
        width += step
    opened = np.zeros_like(same)
    for place in np.flatnonzero(kept).tolist():
        opened[place : place + least] = True
    return opened


def _needed(periods: Ints, short: Bools | bool = False) -> Ints:
    """How many words, said again at once, cannot be meant."""
    return periods * np.where(periods < 3, 4, np.where((periods == 3) | short, 2, 1))


def _solid(texts: Characters) -> Bools:
    """Whether most words of a text are single characters of scripts without spaces."""
    words = texts.words
    singles = np.bincount(words.texts[words.solid], minlength=len(texts))
    return np.asarray(2 * singles > np.bincount(words.texts, minlength=len(texts)))


def _runs(places: Ints) -> tuple[Ints, Ints]:
    """Start and length of every run of numbers that follow each other."""
    first = np.append(True, np.diff(places) > 1)[: len(places)]
    starts = np.flatnonzero(first)
    return places[starts], np.diff(np.append(starts, len(places)))


def repetition(texts: Characters) -> Floats:
    """Share of word trigrams that stood in the text before; NaN for fewer than 12 words."""
    grams = np.sort(texts.words.trigrams)
    again = grams[1:][grams[1:] == grams[:-1]] >> np.uint64(40)
    counts = np.bincount(texts.words.texts, minlength=len(texts))
    repeated = np.bincount(again.astype(np.int64), minlength=len(texts))
    share = repeated / np.maximum(counts - 2, 1)
    return np.where((counts >= _LEAST_WORDS) & ~_solid(texts), share, np.nan)


def copied(target: Characters, source: Characters) -> Floats:
    """Share of a text's character 4-grams that its source has too; NaN where there are few.

    Counted are words without capitals and digits, since names and numbers may rightly be the
    same. A word shorter than a 4-gram counts as one.
    """
    plain = target.total_within(target.where(CAPITAL_OR_DIGIT)) == 0
    mine, owners = _grams(target, plain)
    theirs, places = _grams(source, np.ones(len(source.words.texts), dtype=bool))
    # A table of bits for each source, sixteen times as wide as the source is long.
    widths = 2 ** np.ceil(np.log2(np.maximum(16 * source.lengths, 64))).astype(np.int64)
    bases = np.concatenate([[0], np.cumsum(widths)[:-1]])
    bits = np.zeros(int(widths.sum()), dtype=bool)
    bits[bases[places] + (theirs & (widths[places] - 1))] = True
    hits = bits[bases[owners] + (mine & (widths[owners] - 1))]
    grams = np.bincount(owners, minlength=len(target))
    found = np.bincount(owners[hits], minlength=len(target))
    return np.where(grams >= _LEAST_GRAMS, found / np.maximum(grams, 1), np.nan)


def _grams(texts: Characters, chosen: Bools) -> tuple[Ints, Ints]:
    """Hashes of the 4-grams inside the chosen words, and whose they are."""
    words = texts.words
    sizes = words.ends - words.starts
    long, short = chosen & (sizes >= GRAM), chosen & (sizes < GRAM)
    # A gram begins anywhere in a word but in its last three characters.
    counts = sizes[long] - GRAM + 1
    places = ranges(words.starts[long], counts)
    hashes = np.concatenate([texts.grams[places], words.hashes[short]])
    owners = np.concatenate([np.repeat(words.texts[long], counts), words.texts[short]])
    return (hashes >> np.uint64(8)).astype(np.int64), owners


def bands(texts: Characters) -> Hashes:
    """Hashes of shape (texts, 8): texts nearly alike share at least one of them, others hardly."""
    owners = texts.owners
    inside = owners[: -GRAM + 1] == owners[GRAM - 1 :]
    grams, owners = texts.grams[inside], owners[: -GRAM + 1][inside]
    bins = (grams >> np.uint64(60)).astype(np.int64) + owners.astype(np.int64) * _BINS
    least = np.full(len(texts) * _BINS, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(least, bins, grams)
    pairs = least.reshape(len(texts), _BANDS, 2)
    return np.asarray(pairs[..., 0] * np.uint64(3) + pairs[..., 1])
