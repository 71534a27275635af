"""Records as the stages write them, of numbers that all differ: a column that is swapped shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.golden import numbers

MEASURES = ("map", "mrr", "recall@1", "recall@10", "recall@100", "ndcg@10")
DISTANCE = "rank_distance"
CODES = ("deu_Latn", "eng_Latn")


def results() -> list[dict[str, Any]]:
    """RESULTS rows of two languages in all settings."""
    share, places = numbers(), numbers(1213.4, 17.3)
    count = itertools.count(1021, 13)
    rows = []
    for setting in ("monolingual", "cross-lingual", "multilingual"):
        pairs: list[tuple[str | None, str | None]] = [(None, None)]
        for code in CODES:
            other = CODES[1 - CODES.index(code)]
            found = {"monolingual": code, "cross-lingual": other}.get(setting)
            pairs.append((code, found))
        for asked, found in pairs:
            queries = next(count)
            names = (*MEASURES, DISTANCE) if setting == "multilingual" else MEASURES
            for measure in names:
                value = next(places) if measure == DISTANCE else next(share)
                rows.append(_row(setting, measure, asked, found, value, queries))
    for asked, found in itertools.product(CODES, CODES):
        rows.append(_row("multilingual", "share@10", asked, found, next(share), next(count)))
    return rows


def _row(setting: str, measure: str, asked: Any, found: Any, value: float, queries: int) -> Any:
    return {
        "measure": measure, "dataset": "xquad-r", "setting": setting, "query_language": asked,
        "candidate_language": found, "value": value, "queries": queries, "encoder": "tiny@abc",
        "strategy": "hybrid", "seed": 3, "signature": "set:xquad-r|encoder:tiny",
    }  # fmt: skip


def evaluation() -> dict[str, Any]:
    """results.json of `evaluate`."""
    described = {
        "name": "xquad-r", "source": "xquad@0123", "digest": "0123", "languages": list(CODES),
        "queries": 13_090, "candidates": 13_014, "untrained": ["deu_Latn"],
        "signature": "set:xquad-r|encoder:tiny",
        "counts": {
            "monolingual": {"runs": 2, "queries": 7001, "without": 31},
            "cross-lingual": {"runs": 3, "queries": 7002, "without": 0},
            "multilingual": {"runs": 4, "queries": 7003, "without": 47, "single": 59},
        },
    }  # fmt: skip
    return {"encoder": {"encoder": "tiny@abc"}, "sets": [described], "results": results()}


def differences() -> Iterator[dict[str, Any]]:
    """Two pairs of systems, mAP and rank distance each."""
    share, places = numbers(0.2011), numbers(301.7, 11.9)
    for baseline, system in (("monolingual", "hybrid"), ("monolingual", "mixed")):
        for measure in ("map", DISTANCE):
            some = places if measure == DISTANCE else share
            first, second, low, high = (next(some) for _ in range(4))
            yield {
                "dataset": "xquad-r", "baseline": baseline, "system": system,
                "setting": "multilingual", "measure": measure, "first": first, "second": second,
                "difference": second - first, "low": low - 0.9, "high": high, "p": next(share) / 10,
                "questions": 1190,
            }  # fmt: skip


def experiment() -> dict[str, Any]:
    """report.json of `train-eval`: the encoder as it was, and two systems of two seeds."""
    share, places = numbers(0.3017), numbers(901.3, 21.7)
    runs, means = [], []
    for number, name in enumerate(("hybrid-0", "hybrid-1", "mixed-0", "mixed-1")):
        runs.append(
            {
                "name": name, "system": name[:-2], "seed": number % 2, "plan": {"digest": "d"},
                "steps": 1201 + number, "rows": 130_300 + 7 * number, "seconds": 61.7 + number,
                "negatives": 99.3 + number, "best": 1100 + 10 * number,
                "validation": {"start": next(share), "best": next(share)}, "unknown": {},
                "loss": next(share) + 1,
            }
        )  # fmt: skip
    runs[3]["validation"] = {"start": None, "best": None}
    for system in ("start", "hybrid", "mixed"):
        for setting in ("monolingual", "cross-lingual", "multilingual"):
            for measure in ("map", DISTANCE) if setting == "multilingual" else ("map",):
                some = places if measure == DISTANCE else share
                means.append(
                    {
                        "system": system, "dataset": "xquad-r", "setting": setting,
                        "query_language": None, "candidate_language": None, "measure": measure,
                        "value": next(some),
                        "sd": None if system == "start" else next(some) / 10,
                        "seeds": 1 if system == "start" else 2,
                    }
                )  # fmt: skip
    return {"runs": runs, "means": means, "differences": list(differences())}


def training() -> dict[str, Any]:
    """training.json of a run."""
    return {
        "plan": {"name": "plan", "digest": "d1d2"},
        "corpora": [{"name": "corpus@1", "digest": "c1"}, {"name": "corpus@2", "digest": "c2"}],
        "build-batches": {"strategy": "hybrid", "batch_size": 100, "alpha": 0.5},
        "encoder": "tiny@abc",
        "train": {"measure": "map", "temperature": 0.05, "rate": 3e-5},
        "unknown": {"deu_Latn": 0.0, "eng_Latn": 0.01, "kas_Deva": 0.3},
        "losses": [9.5] * 7 + [1.25 + n / 100 for n in range(20)],
        "rows": 120_100, "negatives": 99.3, "steps": 1201, "best": 1100,
        "validation": {"start": 0.3123, "best": 0.4567},
    }  # fmt: skip


def filtered() -> dict[str, Any]:
    """report.json of `filter`."""
    counts = itertools.count(101, 10)

    def reason(*examples: dict[str, Any]) -> dict[str, Any]:
        rejected, alone, left = (next(counts) for _ in range(3))
        return {"rejected": rejected, "alone": alone, "left": left, "examples": list(examples)}

    example = {"qa_id": "q17", "score": 0.8765, "limit": 0.75, "source": "Who hid the key?",
               "target": "Who hid the key?"}  # fmt: skip
    original = {**example, "qa_id": "q18", "score": 0.0, "limit": 1.0, "source": None}
    bound = {"language": "deu_Latn", "field": "question", "check": "length"}
    return {
        "languages": {
            "deu_Latn": {
                "rows": 12_345, "rejected": 1_234, "kept": 11_111, "detector": "py3langid",
                "reasons": {"question copied": reason(example), "answer loop": reason()},
            },
            "kas_Deva": {
                "rows": 2_000, "rejected": 17, "kept": 1_983, "detector": None,
                "reasons": {"passage empty": reason(original)},
            },
        },
        "detected": True,
        "limits": [
            {**bound, "basis": "prior"},
            {**bound, "field": "passage", "basis": "bounded"},
            {**bound, "field": "answer", "basis": "corpus"},
        ],
    }  # fmt: skip


def leaked() -> dict[str, Any]:
    """report.json of `check-leakage`."""
    hit = {"benchmark": "xquad-r", "field": "question", "kind": "8-gram", "leaked": True}
    example = {
        **hit, "overlap": 0.8123, "language": "deu_Latn", "text": "Wer versteckte den Schlüssel?",
        "qa_id": "q17", "benchmark_text": "Wer versteckte den Schlüssel dort?",
        "benchmark_id": "xquad-r/de/5", "benchmark_language": "eng_Latn",
        "evidence": "versteckte den",
    }  # fmt: skip
    return {
        "corpus": {"name": "corpus@1", "rows": 8_001, "questions": 4_002, "languages": list(CODES)},
        "checked": [{"name": "xquad-r", "source": "xquad@0123", "passages": 241,
                     "queries": {"deu_Latn": 1_190, "eng_Latn": 1_191, "fra_Latn": 1_192}}],
        "hits": [
            {**hit, "rows": 71, "questions": 43},
            {**hit, "kind": "near-duplicate", "leaked": False, "rows": 29, "questions": 19},
            {**hit, "kind": "title", "field": "title", "leaked": False, "rows": 13,
             "questions": 11},
        ],
        "examples": [example],
        "leaked": {"questions": 37, "by_passage": 23, "by_original": 30, "by_translation": 7,
                   "rows": {"deu_Latn": 36, "eng_Latn": 35}},
        "coverage": {
            "texts": {"question": {"deu_Latn": 3_999, "eng_Latn": 4_002},
                      "passage": {"eng_Latn": 3_881}, "answer": {}, "title": {}},
            "compared": [
                {"benchmark": "xquad-r", "field": "question", "language": "swh_Latn",
                 "texts": 53, "known": 0, "left": 47},
            ],
            "questions": 47,
            "not_compared": [
                {"benchmark": "xquad-r", "field": "question",
                 "words": "swh_Latn questions with xquad-r (English, German only)"},
                {"benchmark": "xquad-r", "field": "set",
                 "words": "59 of 1,192 questions of xquad-r, which are in none of the corpus's "
                          "languages"},
            ],
            "verdict": "Of what was compared nothing leaks; 47 of 4,002 questions were not "
                       "compared with every set.",
        },
    }  # fmt: skip


def plan() -> dict[str, Any]:
    """report.json of `build-batches`."""
    strata = [
        {"kind": "monolingual", "question_language": "deu_Latn", "passage_language": "deu_Latn",
         "there": 301, "wanted": 907, "drawn": 903, "most": 5},
        {"kind": "cross-lingual", "question_language": "deu_Latn", "passage_language": "eng_Latn",
         "there": 311, "wanted": 313, "drawn": 313, "most": 2},
    ]  # fmt: skip
    side = {
        "steps": 41, "rows": 4_099, "sizes": [97, 100],
        "languages": {
            "deu_Latn": {"questions": 1_501, "drawn": 1_402, "left_out": 99, "mean": 1.37,
                         "most": 4},
            "eng_Latn": {"questions": 1_603, "drawn": 1_504, "left_out": 95, "mean": 1.29,
                         "most": 3},
        },
        "matrix": {"deu_Latn": {"deu_Latn": 1_001, "eng_Latn": 1_013},
                   "eng_Latn": {"deu_Latn": 1_033, "eng_Latn": 1_052}},
        "passages": {"there": 801, "drawn": 787, "a_batch": [61, 77.5, 93]},
        "strata": strata,
        "too_small": {"vie_Latn": 5},
        "left_out": [["monolingual", "fra_Latn", "fra_Latn"]],
        "short": {"batches": 3, "rows": 8},
        "negatives": 4_051,
        "replaced": 12,
    }  # fmt: skip
    reserved = {**side, "steps": 5, "rows": 501, "sizes": [100], "negatives": 489, "strata": [],
                "passages": {"there": 83, "drawn": 79, "a_batch": [53, 55.0, 57]},
                "too_small": {}, "left_out": [], "short": {"batches": 0, "rows": 0},
                "replaced": 0}  # fmt: skip
    return {
        "build-batches": {"strategy": "hybrid", "positive": "sentence", "negatives": "bm25",
                    "negatives_per_row": 2},
        "rows": {"all": 9_001, "reserved": 451, "without_question": 23, "without_positive": 31,
                 "question_is_positive": 7},
        "train": side, "validation": reserved,
    }  # fmt: skip


def translated() -> dict[str, Any]:
    """manifest.json of `translate`."""
    languages = {
        "eng_Latn": {"rows": 1_190, "segments": 0, "unique": 0, "cached": 0, "translated": 0,
                     "tokens": 0, "seconds": 0.0, "spans": 0, "placed": {}, "flags": {}},
        "deu_Latn": {"rows": 1_189, "segments": 7_003, "unique": 5_009, "cached": 1_007,
                     "translated": 4_002, "tokens": 91_003, "seconds": 123.4, "spans": 1_100,
                     "placed": {"exact": 703, "fuzzy": 203}, "flags": {"answer:copy": 13,
                     "passage:loop": 5, "question:copy": 3}},
        "fra_Latn": {"rows": 1_188, "segments": 7_005, "unique": 5_011, "cached": 1_009,
                     "translated": 4_004, "tokens": 92_007, "seconds": 234.5, "spans": 1_101,
                     "placed": {"exact": 801, "fuzzy": 102}, "flags": {"answer:empty": 2}},
    }  # fmt: skip
    attempt = {"tokens": 31_001, "of": 256_206, "window": 3, "logprob_restricted": -0.513,
               "logprob_whole": -0.498, "identical": 0.973, "speedup": 2.7}  # fmt: skip
    return {
        "kind": "corpus",
        "stage": "translate",
        "source": {"name": "faq.csv@1", "source_language": "eng_Latn"},
        "model": {"name": "org/nllb", "license": "cc-by-nc-4.0"},
        "translate": {"to": ["deu_Latn", "fra_Latn"], "beam": 4},
        "languages": languages,
        "files": {"data/deu_Latn/train-00000-of-00001.parquet": {}},
        "source_counts": {"read": 1_301, "kept": 1_190, "blank": 0, "unanswerable": 111},
        "vocabulary": {
            "deu_Latn": {"attempts": [attempt], "restricted": True},
            "fra_Latn": {"attempts": [], "restricted": False},
        },
        "seconds": 3_725.0,
        "finished": "2025-01-02T03:04:05+00:00",
    }  # fmt: skip
