"""What the leakage check finds, what it misses, and what it takes for a leak that is none.

    python tests/benchmarks/leakage_quality.py recall --data DATA
    python tests/benchmarks/leakage_quality.py pairs --data DATA --show 5
    python tests/benchmarks/leakage_quality.py translated --data DATA --corpus FOLDER
    python tests/benchmarks/leakage_quality.py across --data DATA --encoder FOLDER

recall      the questions of XQuAD-R, each with a random word replaced at a random place, in another
            case, without accents and with other punctuation: how many are found, by length
pairs       real sets against each other: hits by kind, with texts to read
translated  the questions of SQuAD, translated: found through the original, and by each target
            language alone
"""

from __future__ import annotations

import argparse
import random
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qa_parallel.encoders.encoder import load_encoder
from qa_parallel.leakage.find import Reference, find_leaks
from qa_parallel.leakage.known_meanings import KnownMeanings
from qa_parallel.schema import CORPUS
from qa_parallel.sources.evalsets import EvalSet, open_evalset
from qa_parallel.sources.settings import EvalSettings
from qa_parallel.sources.tags import ENGLISH
from qa_parallel.storage.corpus import read_corpus
from qa_parallel.text import comparison_form, comparison_forms

BANDS = ((1, 5), (6, 7), (8, 11), (12, 15), (16, 99))
SETS = ("nq-qed", "tydiqa-goldp", "mlqa-dev", "afriqa")


def disguised(question: str, words: Sequence[str], rng: random.Random) -> str:
    """A word replaced by another one, other signs, cases and no accents."""
    parts = question.split()
    place = rng.randrange(len(parts))
    new = rng.choice(words)
    while comparison_form(new) == comparison_form(parts[place]):
        new = rng.choice(words)
    parts[place] = new
    text = unicodedata.normalize("NFD", " ".join(parts))
    plain = "".join(char for char in text if not "\u0300" <= char <= "\u036f")
    form = rng.choice([plain.upper(), plain.title(), plain.lower()])
    return form.rstrip("?").replace("-", rng.choice("- ")) + rng.choice(["", "?", "!", " ..."])


def corpus(evalset: EvalSet) -> pl.DataFrame:
    """An evaluation set as if one were to train on it: a row a query, with its own passage."""
    passages = evalset.qrels.join(evalset.candidates, on="candidate_id").unique(
        ["qa_id", "language"]
    )
    own = passages.select("qa_id", "language", "passage", "passage_id", "title")
    rows = evalset.queries.join(own, on=["qa_id", "language"], how="left")
    rows = rows.with_columns(
        passage_id=pl.coalesce("passage_id", "qa_id"), qa_id=pl.coalesce("local_id", "qa_id")
    )
    absent = [pl.lit(None, kind).alias(name) for name, kind in CORPUS.items() if name not in rows]
    return rows.with_columns(absent).select(CORPUS.names())


def opened(data: Path, name: str) -> EvalSet:
    """A set by the name of its folder."""
    return open_evalset(EvalSettings(name=name, path=str(data / name)))


def recall(options: argparse.Namespace, console: Console) -> None:
    """Disguised questions by their number of words."""
    xquad = opened(options.data, "xquad-r")
    reference = Reference([xquad])
    english = xquad.queries.filter(language=options.language)["question"].to_list()
    words = " ".join([*english, *opened(options.data, "nq-qed").queries["question"]]).split()
    table = Table("words", "questions", "found", "share", box=None)
    lengths = [len(comparison_form(text).split()) for text in english]
    asked = dict.fromkeys(BANDS, 0)
    found = dict.fromkeys(BANDS, 0)
    for seed in range(options.seeds):
        rng = random.Random(seed)
        changed = [disguised(text, words, rng) for text in english]
        rows = pl.DataFrame(
            {"qa_id": [f"row {n}" for n in range(len(changed))], "question": changed}
        )
        absent = [
            pl.lit(None, kind).alias(name) for name, kind in CORPUS.items() if name not in rows
        ]
        leaks = find_leaks(rows.with_columns(absent).select(CORPUS.names()), reference)
        leaked = set(leaks.filter("leaked")["qa_id"])
        for number, length in enumerate(lengths):
            band = next(band for band in BANDS if length <= band[1])
            asked[band] += 1
            found[band] += f"row {number}" in leaked
    for band in BANDS:
        if asked[band]:
            table.add_row(f"{band[0]}–{band[1]}", f"{asked[band]:,}", f"{found[band]:,}",
                          f"{found[band] / asked[band]:.1%}")  # fmt: skip
    total, hits = sum(asked.values()), sum(found.values())
    table.add_row("all", f"{total:,}", f"{hits:,}", f"{hits / total:.1%}")
    console.print(table)


def pairs(options: argparse.Namespace, console: Console) -> None:
    """Every set against XQuAD-R, and against each other."""
    sets = {name: opened(options.data, name) for name in ("xquad-r", *options.sets.split(","))}
    for name, own in sets.items():
        if name == "xquad-r":
            continue
        others = [one for other, one in sets.items() if other != name]
        rows = corpus(own)
        leaks = find_leaks(rows, Reference(others))
        console.print(Text(f"\n{name}: {rows.height:,} rows", style="bold"))
        counted = leaks.group_by("benchmark", "field", "kind", "leaked").agg(
            rows=pl.len(), questions=pl.col("qa_id").n_unique()
        )
        table = Table("against", "field", "evidence", "leak", "rows", "questions", box=None)
        for row in counted.sort("benchmark", "leaked", "field", "kind").iter_rows():
            table.add_row(*map(str, row))
        console.print(table)
        ranked = leaks.filter(pl.col("kind").is_in(["id", "title"]).not_()).sort("overlap")
        for key, group in ranked.group_by(["benchmark", "leaked", "field"], maintain_order=True):
            step = max(1, group.height // options.show)
            for hit in group.gather_every(step).head(options.show).iter_rows(named=True):
                console.print(
                    Text(f"  {key} {hit['kind']} {hit['overlap']:.2f}: {hit['evidence']!r}")
                )
                console.print(Text(f"      {hit['text'][: options.width]}"))
                console.print(Text(f"      {hit['benchmark_text'][: options.width]}"))


def translated(options: argparse.Namespace, console: Console) -> None:
    """Of XQuAD's distinct English questions, how many each language of the corpus gives away."""
    rows = read_corpus(options.corpus)
    xquad = opened(options.data, "xquad-r")
    reference = Reference([xquad])
    english = xquad.queries.filter(language="eng_Latn")["question"]
    wanted = set(comparison_forms(english))
    source = rows.filter(pl.col("translated_from").is_null())
    forms = dict(zip(source["qa_id"], comparison_forms(source["question"]), strict=True))
    table = Table("found in", "questions of 1,185", "share", "others", box=None)
    for code in rows["language"].unique(maintain_order=True):
        leaks = find_leaks(rows.filter(language=code), reference)
        for fields in (["question"], ["question", "answer", "passage"]):
            ids = set(leaks.filter("leaked", pl.col("field").is_in(fields))["qa_id"])
            found = {forms[one] for one in ids} & wanted
            others = sum(forms[one] not in wanted for one in ids)
            table.add_row(f"{code}, {' or '.join(fields)}", f"{len(found):,}",
                          f"{len(found) / len(wanted):.1%}", f"{others:,}")  # fmt: skip
    console.print(table)


def across(options: argparse.Namespace, console: Console) -> None:
    """Of a sample of each kind, the share whose nearest question is nearer than a limit."""
    xquad = opened(options.data, "xquad-r")
    english = xquad.queries.filter(language=ENGLISH)
    own = set(english["question"])
    squad = opened(options.data, "squad-questions").queries["question"]
    rng = random.Random(1)
    sample = {
        "themselves": rng.sample(sorted(own), 500),
        "on the same articles": rng.sample([one for one in squad if one not in own], 1000),
        "unrelated": rng.sample(opened(options.data, "nq-qed").queries["question"].to_list(), 1000),
    }
    vectors: dict[str, Any] = {}
    encoder = load_encoder(options.encoder)

    def encode(texts: Sequence[str]) -> Any:
        new = [one for one in dict.fromkeys(texts) if one not in vectors]
        vectors.update(zip(new, encoder(new, "query: "), strict=True))
        return np.array([vectors[one] for one in texts])

    table = Table("against", "limit", *sample, "right", box=None)
    ids = {text: qa_id for qa_id, text in english.select("qa_id", "question").iter_rows()}
    for code in options.languages.split(","):
        queries = xquad.queries.filter(language=code)
        known = KnownMeanings(
            queries.select("benchmark", benchmark_language="language", text="question")
            .with_row_index("known").cast({"known": pl.Int64}), encode, 0.01,
        )  # fmt: skip
        found = {name: known.nearest(pl.Series(texts), ENGLISH) for name, texts in sample.items()}
        mine = found["themselves"]
        nearest = queries["qa_id"].gather(mine["known"])
        wanted = [ids[sample["themselves"][number]] for number in mine["number"]]
        right = mine["overlap"].filter(nearest == pl.Series(wanted))
        for limit in (0.84, 0.86, 0.88, 0.9):
            shares = [((one["overlap"] >= limit).sum()) / one.height for one in found.values()]
            exact = (right >= limit).sum() / mine.height
            table.add_row(code, f"{limit}", *(f"{one:.1%}" for one in (*shares, exact)))
    console.print(table)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["recall", "pairs", "translated", "across"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--languages", default="deu_Latn,spa_Latn,zho_Hans,arb_Arab,tha_Thai")
    parser.add_argument("--language", default="eng_Latn")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--width", type=int, default=200)
    options = parser.parse_args()
    parts = {"recall": recall, "pairs": pairs, "translated": translated, "across": across}
    parts[options.what](options, Console(width=220))


if __name__ == "__main__":
    main()
