"""How fast the filters are, how much memory they take, and how OpusFilter compares.

    python tests/benchmarks/filter.py --data DATA --rows 10000,100000,1000000
    python tests/benchmarks/filter.py --data DATA --identify 50000
    python tests/benchmarks/filter.py --data DATA --opusfilter PYTHON --rows 50000

Rows are questions, answers and passages of the human-made sets in DATA, changed by a word each so
that no two are the same, in ten languages and English; five questions share a passage. The first
command filters each corpus in a process of its own, from parquet files to parquet files, with all
checks but the language. The second measures the texts a second of language identification over
two processes, beside what the detector alone does in as many processes that were handed their
texts before. The third runs OpusFilter's checks of length, ratio, script, repetition and language
over the questions in its own environment (PYTHON), and the same checks of ours, in turn.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from qa_parallel import language_codes
from qa_parallel.filters.language import Identifier
from qa_parallel.filters.limits import decide
from qa_parallel.filters.measure import score_language
from qa_parallel.filters.settings import FilterSettings, MeasureSettings
from qa_parallel.filters.stage import filter_corpus
from qa_parallel.filters.workers import Workers
from qa_parallel.machine import cores
from qa_parallel.schema import CORPUS
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import CorpusWriter

CODES = ("ar", "de", "el", "es", "hi", "ru", "th", "tr", "vi", "zh")
PER_PASSAGE = 5
SHARD = 50_000

Row = tuple[str, str, str]  # question, answer, passage


def squad(path: Path) -> dict[str, Row]:
    """Question, answer and passage of a SQuAD file by their ids."""
    return {
        item["id"]: (item["question"], item["answers"][0]["text"], paragraph["context"])
        for article in json.loads(path.read_text("utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for item in paragraph["qas"]
    }


def changed(text: str, number: int, dice: random.Random) -> str:
    """`text` with a mark at a random place, which makes it one of its own."""
    place = dice.randrange(len(text) + 1)
    return f"{text[:place]} {number} {text[place:]}"


def make_corpus(data: Path, rows: int, out: Path) -> None:
    """A corpus folder of about `rows` rows in eleven languages."""
    sets = {code: squad(data / "xquad-r" / f"{code}.json") for code in ("en", *CODES)}
    ids = sorted(set.intersection(*(set(one) for one in sets.values())))
    each = rows // len(sets)
    writer = CorpusWriter(out, [language_codes.parse(code) for code in sets])
    for code, texts in sets.items():
        language = language_codes.parse(code)
        for start in range(0, each, SHARD):
            numbers = range(start, min(each, start + SHARD))
            frame = _frame(language, [(n, texts[ids[n % len(ids)]]) for n in numbers], texts, ids)
            writer.add(language, frame)
    described = {"made_by": folders.MADE_BY, "version": folders.VERSION, "stage": "import"}
    store.write_json(out / folders.SETTINGS, described)
    manifest = writer.finish(described, "A corpus", "Made to measure the filters.")
    store.write_json(out / folders.MANIFEST, manifest)
    store.remove(out / folders.WORK)


def _frame(
    language: str, rows: Sequence[tuple[int, Row]], texts: dict[str, Row], ids: Sequence[str]
) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in ("qa_id", "passage_id", *FIELDS)}
    for number, (question, answer, _) in rows:
        group = number // PER_PASSAGE
        passage = texts[ids[group % len(ids)]][2]
        columns["qa_id"].append(f"q{number:07d}")
        columns["passage_id"].append(f"p{group:07d}")
        columns["question"].append(changed(question, number, random.Random(number)))
        columns["answer"].append(answer)
        columns["passage"].append(changed(passage, group, random.Random(group)))
    size = len(rows)
    given: dict[str, Any] = {
        **columns,
        "language": [language] * size,
        "translated_from": [None if language == "eng_Latn" else "eng_Latn"] * size,
        "flags": [[]] * size,
        "split": ["train"] * size,
    }
    return pl.DataFrame(
        [
            pl.Series(name, given.get(name, [None] * size), dtype=dtype)
            for name, dtype in CORPUS.items()
        ]
    )


FIELDS = ("question", "answer", "passage")


def run_filter(corpus: Path, out: Path) -> None:
    """Filter a corpus without language identification; prints seconds and peak memory."""
    started = time.perf_counter()
    outcome = filter_corpus(
        SourceSettings(source=str(corpus)),
        FilterSettings(detector="none"),
        out,
        workers=cores(),
    )
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    counts = outcome.manifest["source_counts"].values()
    found = {
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime + workers.ru_utime + workers.ru_stime,
        # the workers' peak is that of the largest one
        "peak": (used.ru_maxrss + cores() * workers.ru_maxrss) / 1024,
        "rows": sum(one["rows"] for one in counts),
    }
    print(json.dumps(found))


def scale(data: Path, sizes: Sequence[int], console: Console) -> None:
    """Rows a second and peak memory of each size, each in a process of its own."""
    table = Table("rows", "seconds", "rows/s", "CPU seconds", "peak MB", box=None, pad_edge=False)
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            corpus = Path(folder, "corpus")
            make_corpus(data, size, corpus)
            command = [sys.executable, __file__, "--one", str(corpus), str(Path(folder, "out"))]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
        table.add_row(
            f"{found['rows']:,}",
            f"{found['seconds']:.1f}",
            f"{found['rows'] / found['seconds']:,.0f}",
            f"{found['cpu']:.1f}",
            f"{found['peak']:,.0f}",
        )
    console.print(f"all checks but the language, {cores()} cores", highlight=False)
    console.print(table)


def texts_of(data: Path, count: int) -> list[tuple[str, list[str]]]:
    """About `count` passages and questions, by language."""
    found = []
    for code in CODES:
        rows = list(squad(data / "xquad-r" / f"{code}.json").values())
        pool = [row[0] for row in rows] + [row[2] for row in rows]
        each = count // len(CODES)
        found.append((language_codes.parse(code), [pool[n % len(pool)] for n in range(each)]))
    return found


def _bare(texts: Sequence[str]) -> float:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    detector = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    detector.classify(texts[0])
    started = time.perf_counter()
    for text in texts:
        detector.classify(text[:500])
    return time.perf_counter() - started


def identify(data: Path, count: int, rounds: int, console: Console) -> None:
    """Our identification over two processes, beside the detector's own loop in two."""
    sets = texts_of(data, count)
    everything = [text for _, texts in sets for text in texts]
    halves = [everything[::2], everything[1::2]]
    workers = Workers(2)
    identifier = Identifier("py3langid", workers)
    identifier.odds(everything[:5000], "deu_Latn")  # processes started, model loaded
    ours, bare = [], []
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_bare, [half[:10] for half in halves], chunksize=1)
        for _ in range(rounds):
            started = time.perf_counter()
            for language, texts in sets:
                identifier.odds(texts, language)
            ours.append(time.perf_counter() - started)
            bare.append(max(pool.map(_bare, halves, chunksize=1)))
    workers.close()
    ratio = statistics.median(b / o for b, o in zip(bare, ours, strict=True))
    console.print(
        f"language identification, {len(everything):,} texts, 2 processes: "
        f"{len(everything) / statistics.median(ours):,.0f} texts/s, the detector alone "
        f"{len(everything) / statistics.median(bare):,.0f}; {ratio:.2f} of it",
        highlight=False,
    )


OPUSFILTER = r"""
import json, sys, time
from opusfilter.filters import (LengthFilter, LengthRatioFilter, CharacterScoreFilter,
                                RepetitionFilter)
from opusfilter import lid
pairs = [tuple(pair) for pair in json.load(open(sys.argv[1]))]
filters = [
    LengthFilter(unit="char", min_length=1, max_length=2000),
    LengthRatioFilter(unit="char", threshold=3),
    CharacterScoreFilter(scripts=["Latin", "Latin"], thresholds=[0.5, 0.5]),
    RepetitionFilter(threshold=2, min_length=3, max_length=100),
]
if sys.argv[2] == "lid":
    # OpusFilter 3.3 asks py3langid for a loader that 0.4 has renamed.
    from py3langid.langid import LanguageIdentifier
    if not hasattr(LanguageIdentifier, "from_pickled_model"):
        LanguageIdentifier.from_pickled_model = LanguageIdentifier.from_model_file
    filters.append(lid.LangidFilter(languages=["en", "de"], thresholds=[0.2, 0.2]))
for item in filters:
    list(item.score(pairs[:10]))
started = time.perf_counter()
for item in filters:
    for score in item.score(pairs):
        item.accept(score)
print(json.dumps({"seconds": time.perf_counter() - started,
                  "filters": [type(item).__name__ for item in filters]}))
"""


def against_opusfilter(data: Path, python: str, rows: int, rounds: int, console: Console) -> None:
    """OpusFilter's checks on English-German questions and passages, and all of ours."""
    sets = {code: squad(data / "xquad-r" / f"{code}.json") for code in ("en", "de")}
    ids = sorted(set(sets["en"]) & set(sets["de"]))
    dice = random.Random(1)
    pairs = []
    for number in range(rows):
        english, german = (sets[code][ids[number % len(ids)]][0] for code in ("en", "de"))
        pairs.append((changed(english, number, dice), changed(german, number, dice)))
    frames = {
        code: pl.DataFrame(
            {"qa_id": [str(n) for n in range(rows)], "question": [pair[side] for pair in pairs]}
        ).with_columns(
            pl.lit(language_codes.parse(code)).alias("language"),
            pl.lit("eng_Latn" if side else None, dtype=pl.String).alias("translated_from"),
        )
        for side, code in enumerate(("en", "de"))
    }
    whole = {
        code: frame.select(
            frame[name] if name in frame.columns else pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in CORPUS.items()
        )
        for code, frame in frames.items()
    }
    table = Table("checks", "OpusFilter", "ours", "times as fast", box=None, pad_edge=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pairs.json")
        path.write_text(json.dumps(pairs), "utf-8")
        for mode in ("none", "lid"):
            workers = Workers(cores())
            identifier = Identifier("py3langid", workers) if mode == "lid" else None
            if identifier is not None:
                identifier.odds(["a text"] * 5000, "deu_Latn")
            theirs, mine, names = [], [], ""
            for _ in range(rounds):
                done = subprocess.run(
                    [python, "-c", OPUSFILTER, str(path), mode],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                answer = json.loads(done.stdout.splitlines()[-1])
                theirs.append(answer["seconds"])
                names = ", ".join(answer["filters"])
                started = time.perf_counter()
                for code in ("en", "de"):
                    scores = score_language(
                        whole[code], whole["en"], MeasureSettings(), identifier, workers=workers
                    )
                    decide(scores)
                mine.append(time.perf_counter() - started)
            workers.close()
            ratio = statistics.median(t / m for t, m in zip(theirs, mine, strict=True))
            table.add_row(
                names,
                f"{statistics.median(theirs):.1f} s",
                f"{statistics.median(mine):.1f} s",
                f"{ratio:.1f}",
            )
    console.print(
        f"{rows:,} English-German questions, ours with all its checks of both sides, "
        f"{cores()} cores, {rounds} rounds",
        highlight=False,
    )
    console.print(table)


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", default="10000,100000,1000000")
    parser.add_argument("--identify", type=int, default=0, help="Texts.")
    parser.add_argument("--opusfilter", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        run_filter(*options.one)
        return 0
    if options.data is None:
        parser.error("expected --data, the folder of the real data")
    os.environ.setdefault("POLARS_MAX_THREADS", str(cores()))
    console = Console(width=130)
    sizes = [int(part) for part in options.rows.split(",")]
    if options.identify:
        identify(options.data, options.identify, options.rounds, console)
    elif options.opusfilter:
        against_opusfilter(options.data, options.opusfilter, sizes[0], options.rounds, console)
    else:
        scale(options.data, sizes, console)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
