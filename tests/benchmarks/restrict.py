"""What a restricted vocabulary saves and what it costs, language by language.

    python -m tests.benchmarks.restrict --pairs HELDOUT --text TEXT
    python -m tests.benchmarks.restrict --pairs HELDOUT --random-600m --sentences 60

`--pairs` is a folder of files NAME.<code>.tsv, a sentence and its translation on each line;
`--text` what `--restrict-vocabulary` takes. Without it the list is learned from the translations
of half of the sentences, drawn with a seed, and everything is measured on the other half. The names
in it come from all sentences, as a run takes them from its first rows.

Speed is tokens/s of raw CTranslate2 (sorted, tokenised before, no guards), whole and restricted
in turn, medians of `--rounds` rounds; `ratio` is the median of the rounds' ratios. `engine` is the
same ratio for all that a run does with a list: guards, and whole decoding of what is flagged and
of names out of reach. chrF is against the translations of the file, the log-probability is the
whole model's mean per token.

`--random-600m` has no words to judge: it shows the speed alone, with `--keep` tokens of 256,206.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from qa_parallel.language_codes import parse
from qa_parallel.machine import cores
from qa_parallel.translation import segment
from qa_parallel.translation.decoding.engine import Engine
from qa_parallel.translation.decoding.settings import DecodingSettings
from qa_parallel.translation.models import inspection
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.vocabulary import restricted
from qa_parallel.translation.vocabulary.restricted import Restricted
from qa_parallel.translation.vocabulary.text import open_text
from qa_parallel.translation.vocabulary.tokens import Sources, Vocabulary, build
from qa_parallel.translation.window import Window
from tests.benchmarks.random_model import build_600m
from tests.benchmarks.translate import Forced, Way, ceiling, measure

ENGLISH = "eng_Latn"
SEED = 0
COLUMNS = (
    *("list", "reached", "whole tok/s", "restricted", "ratio", "engine"),
    *("chrF", "restricted", "identical", "logprob", "restricted", "passes"),
)


def read_pairs(folder: Path, language: str) -> list[tuple[str, str]]:
    """The lines of all files of a language, in the order of their names."""
    pairs = []
    for path in sorted(folder.glob(f"*.{language}.tsv")):
        for line in path.read_text("utf-8").splitlines():
            source, _, reference = line.partition("\t")
            pairs.append((segment.normalise(source, ENGLISH), reference))
    return pairs


def listed(
    engine: Engine, language: str, text: Path | None, sources: Sequence[str], ahead: Sequence[str]
) -> Vocabulary:
    """The list of a language, from text of it or from translations of `sources`.

    The names in it are those of `ahead`: a run reads its first rows for them.
    """
    if text is None:
        lines = [done.text for done in engine.translate(sources, engine.encode(sources), language)]
    else:
        lines = list(open_text(text, [language]).of(language))
    count = Counter(token for line in engine.encode(lines) for token in line)
    steering = (*engine.prefix(language), engine.tokenizer.eos)
    names = Sources.of(engine.encode(ahead))
    return build(inspection.vocabulary(engine.model.path), count, names, steering)


def through(
    translator: Engine | Restricted, tokens: list[list[str]], texts: list[str], to: str
) -> Way:
    """All that a run does between tokens and text."""

    def run() -> int:
        translator.translate(texts, tokens, to)
        return 1

    return run


def compare(whole: Engine, narrow: Restricted, texts: list[str], to: str, rounds: int) -> list[str]:
    """Cells of the table that are about speed; empty without rounds."""
    if not rounds:
        return [""] * 4
    tokens = whole.encode(texts)
    window = Window(pl.DataFrame(), texts, tokens, [], {}, len(texts))
    forced, beam = isinstance(whole, Forced), whole.settings.beam
    ways = {
        "whole": ceiling(whole, window, [to], beam, forced),
        "restricted": ceiling(narrow.narrow, window, [to], beam, forced),
        "engine": through(whole, tokens, texts, to),
        "engine, restricted": through(narrow, tokens, texts, to),
    }
    for way in ways.values():
        way()  # the first call is slower
    found = measure(ways, rounds)
    rates = {name: [n / seconds for seconds, n in runs] for name, runs in found.items()}

    def ratio(one: str, other: str) -> str:
        pairs = zip(rates[one], rates[other], strict=True)
        return f"{statistics.median(itertools.starmap(float.__truediv__, pairs)):.2f}"

    return [
        f"{statistics.median(rates['whole']):,.0f}",
        f"{statistics.median(rates['restricted']):,.0f}",
        ratio("restricted", "whole"),
        ratio("engine, restricted", "engine"),
    ]


def demonstration(options: argparse.Namespace, scratch: Path) -> list[list[str]]:
    """A row of the table for each language of the demonstration model."""
    model = resolve(ModelSettings(model="demo"))
    engine = Engine(model, DecodingSettings(beam=options.beam), ENGLISH)
    rows = []
    for language in map(parse, options.to.split(",")):
        pairs = read_pairs(options.pairs, language)
        random.Random(SEED).shuffle(pairs)
        half = len(pairs) // 2
        held = pairs[half:] if options.text is None else pairs
        sources = [source for source, _ in pairs[:half]] if options.text is None else []
        held = held[: options.sentences]
        texts = [source for source, _ in held]
        ahead = [source for source, _ in pairs]
        vocabulary = listed(engine, language, options.text, sources, ahead)
        narrow = restricted.load(engine, vocabulary, scratch)
        references = [reference for _, reference in held]
        tokens = engine.encode(texts)
        proof = restricted.prove(engine, narrow, vocabulary, texts, tokens, language, references)
        rows.append(
            [
                language,
                f"{proof.tokens:,}",
                f"{proof.reached:.0%}",
                *compare(engine, narrow, texts, language, options.rounds),
                f"{proof.chrf_whole:.2f}",
                f"{proof.chrf_restricted:.2f}",
                f"{proof.identical:.1%}",
                f"{proof.logprob_whole:.4f}",
                f"{proof.logprob_restricted:.4f}",
                "yes" if proof.passes() else "no",
            ]
        )
    return rows


def random_600m(options: argparse.Namespace, scratch: Path) -> list[list[str]]:
    """The row of a random model."""
    folder = build_600m(options.random_600m if options.random_600m.name else scratch / "hf")
    model = resolve(ModelSettings(model=str(folder), cache=folder / "cache"))
    engine = Forced(model, DecodingSettings(beam=options.beam, guards=False), ENGLISH)
    words = inspection.vocabulary(model.path)
    language = parse(options.to.split(",")[0])
    kept = dict.fromkeys([engine.tokenizer.eos, language, *words[: options.keep]])
    vocabulary = Vocabulary(tuple(kept), copies=False)
    narrow = restricted.load(engine, vocabulary, scratch)
    texts = [source for source, _ in read_pairs(options.pairs, language)]
    texts = random.Random(SEED).sample(texts, options.sentences or 60)
    speed = compare(engine, narrow, texts, language, options.rounds)
    return [["600M shape", f"{len(kept):,}", "", *speed, *[""] * 6]]


def main(arguments: Sequence[str]) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--text", type=Path)
    parser.add_argument("--to", default="fr,de,es,mr")
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5, help="0: quality alone.")
    parser.add_argument("--sentences", type=int, help="Measure on the first N only.")
    parser.add_argument("--random-600m", metavar="FOLDER", type=Path, nargs="?", const=Path())
    parser.add_argument("--keep", type=int, default=28_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        way = demonstration if options.random_600m is None else random_600m
        rows = way(options, Path(scratch))
    table = Table("language", box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    console = Console(width=130)
    console.print(
        f"beam {options.beam}, {cores()} cores, {options.rounds} rounds; list from "
        f"{options.text or 'translations'}",
        highlight=False,
    )
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
