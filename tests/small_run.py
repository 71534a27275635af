"""The folder of a run with every stage in it, hostile texts among its rows, made in seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.evaluation.settings import EvaluateSettings
from qa_parallel.evaluation.stage import evaluate_sets, write_texts
from qa_parallel.filters.checks import Limits
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.filters.stage import filter_corpus
from qa_parallel.leakage.settings import LeakageSettings
from qa_parallel.leakage.stage import check_leakage
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from qa_parallel.storage import folders, store
from tests.small_corpora import corpus_folder, corpus_frame

CODES = ("eng_Latn", "deu_Latn", "arb_Arab", "zho_Hans")
SCRIPT = "Does </script><script>window.harmed = 1</script> end <!-- a page?"
IMAGE = "</script><img src=x onerror='window.harmed = 2'> & <b>bold</b> \u2028 \u2029"
WORD = "x" * 10_000
OVERRIDE = "\u202eoverridden\u202d"
# What German q2 is rejected for: it is its English source.
COPIED = "Which old bridge over the river was finished in spring?"
# The answer of q0 in English and German, which is rejected for it.
NAMED = "the oldest of all sailors"
LEAKED = "Where did the keeper of the lighthouse hide his brass key?"
_QUESTIONS: tuple[dict[str, str], ...] = (
    {
        "eng_Latn": "Who painted the harbour in winter?",
        "deu_Latn": "Wer malte den Hafen im Winter?",
        "arb_Arab": "من رسم الميناء في الشتاء؟",
        "zho_Hans": "谁在冬天画了港口?",
    },
    {
        "eng_Latn": LEAKED,
        "deu_Latn": "Wo versteckte der Leuchtturmwärter den Schlüssel?",
        "arb_Arab": "أين أخفى حارس المنارة مفتاحه النحاسي؟",
        "zho_Hans": "灯塔看守人把他的黄铜钥匙藏在哪里?",
    },
    {
        "eng_Latn": COPIED,
        "deu_Latn": COPIED,
        "arb_Arab": "أي جسر قديم على النهر اكتمل في الربيع؟",
        "zho_Hans": "哪座旧桥在春天完工?",
    },
    dict.fromkeys(CODES, SCRIPT),
    dict.fromkeys(CODES, f"{OVERRIDE} {WORD}"),
)
# A question, an answer, and what follows it in the passage.
_WORDS = {
    "eng_Latn": ("Which boat left the village as number", "boat", "it left the village at dawn"),
    "deu_Latn": ("Welcher Kahn verließ das Dorf als Nummer", "Kahn", "er fuhr früh am Morgen"),
    "arb_Arab": ("أي قارب غادر القرية برقم", "قارب", "غادر القرية عند الفجر"),
    "zho_Hans": ("哪条船离开村子时编号是", "船", "它在黎明时离开了村子"),
}
# The only check that judges.
_FILTERS = FilterSettings.model_validate(
    {"detector": "none", "limits": {**dict.fromkeys(Limits.model_fields), "copied": 0.75}}
)
QUESTIONS = len(_QUESTIONS) + 4


def rows() -> list[dict[str, Any]]:
    """CORPUS rows: five questions in four languages, some hostile, and four that fill a batch."""
    more = [
        {code: f"{_WORDS[code][0]} {number}?" for code in CODES} for number in range(4)
    ]  # fmt: skip
    same = {3: IMAGE, 4: WORD}

    def answer(number: int, code: str) -> str:
        if number == 0 and code in CODES[:2]:
            return NAMED
        return same.get(number, f"{_WORDS[code][1]} {number}")

    return [
        {
            "qa_id": '"><i>q3' if number == 3 else f"q{number}",
            "passage_id": f"p{number}",
            "language": code,
            "title": f"{OVERRIDE}<u>" if number == 4 else None,
            "question": question,
            "answer": answer(number, code),
            "passage": f"{answer(number, code)}: {_WORDS[code][2]}.",
            "answer_start": 0,
            "answer_method": "exact",
            "translated_from": None if code == CODES[0] else CODES[0],
            "flags": [],
        }
        for number, texts in enumerate((*_QUESTIONS, *more))
        for code, question in texts.items()
    ]


def known(folder: Path) -> EvalSettings:
    """An evaluation set that has one of the questions, and one of the hostile texts."""
    folder.mkdir(parents=True)
    for code in ("en", "de"):
        records = [
            {"id": f"{code}-a", "question": LEAKED if code == "en" else "Wo?", "context": "A key."},
            {"id": f"{code}-b", "question": SCRIPT, "context": f"Nothing in {code}."},
        ]
        text = "".join(json.dumps(one) + "\n" for one in records)
        (folder / f"{code}.jsonl").write_text(text, "utf-8")
    return EvalSettings(name="known", path=str(folder))


def small_run(out: Path) -> Path:
    """`out` with a corpus, filters, a check, a plan, an evaluation and a comparison."""
    corpus = corpus_folder(out / "corpus", corpus_frame(rows()))
    source = SourceSettings(source=str(corpus))
    filter_corpus(source, _FILTERS, out / "filtered")
    source = SourceSettings(source=str(out / "filtered"))
    evalset = known(out.parent / "known")
    check_leakage(source, [evalset], LeakageSettings(action="drop"), out / "checked")
    source = SourceSettings(source=str(out / "checked"))
    build_batches([source], BatchSettings(batch_size=2, strategy="hybrid"), out / "batches")
    evaluate(out, evalset)
    compare(out / "trained")
    return out


def evaluate(out: Path, evalset: EvalSettings) -> None:
    """An evaluation of random vectors."""
    texts, vectors = out.parent / "texts.jsonl", out.parent / "vectors.npz"
    write_texts([evalset], EvaluateSettings(), texts)
    ids = [json.loads(line)["id"] for line in texts.read_text().splitlines()]
    values = np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)
    np.savez(vectors, ids=np.array(ids), vectors=values)
    evaluate_sets([evalset], EvaluateSettings(embeddings=vectors), out / "evaluated")


def compare(out: Path) -> None:
    """A comparison of two strategies, as `train-eval` leaves it, without training."""
    systems = {"start": 0.4, "monolingual": 0.5, "hybrid": 0.6}
    settings = {
        "made_by": folders.MADE_BY,
        "version": folders.VERSION,
        "stage": "train-eval",
        "train-eval": {"seeds": 2},
        "runs": {f"{name}-{seed}": "d" for name in systems if name != "start" for seed in (0, 1)},
    }
    run = {"steps": 4, "rows": 24, "seconds": 61.0, "loss": 1.5, "negatives": 5.5, "best": 3,
           "validation": {"start": 0.4, "best": 0.5}}  # fmt: skip
    whole = {"dataset": "known", "query_language": None, "candidate_language": None}
    means = [
        {**whole, "system": name, "setting": setting, "measure": "map", "value": value,
         "sd": None if name == "start" else 0.02, "seeds": 2}
        for name, value in systems.items()
        for setting in ("monolingual", "cross-lingual")
    ]  # fmt: skip
    pairs = [
        {**whole, "system": name, "setting": "monolingual", "measure": "map", "value": value / 2,
         "query_language": one, "candidate_language": other, "sd": None, "seeds": 2}
        for name, value in systems.items()
        for one in ("eng_Latn", "deu_Latn")
        for other in ("eng_Latn", "deu_Latn")
    ]  # fmt: skip
    difference = {
        "dataset": "known", "baseline": "monolingual", "system": "hybrid",
        "setting": "monolingual", "measure": "map", "first": 0.5, "second": 0.6,
        "difference": 0.1, "low": -0.05, "high": 0.2, "p": 0.08, "questions": 2,
    }  # fmt: skip
    report = {
        "runs": [{**run, "name": name} for name in settings["runs"]],  # type: ignore[attr-defined]
        "means": means + pairs,
        "differences": [difference],
    }
    store.write_json(out / "report.json", report)
    store.write_json(out / folders.SETTINGS, settings)
    manifest = {"kind": "experiment", **settings, "files": {}}
    store.write_json(out / folders.MANIFEST, manifest)
