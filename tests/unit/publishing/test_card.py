"""The card: what it tells is what the manifests and rows say, and no text of others breaks it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qa_parallel import __version__
from qa_parallel.errors import PublishError
from qa_parallel.language_codes import LANGUAGES
from qa_parallel.publishing import card, facts
from qa_parallel.publishing.card import Contents
from qa_parallel.publishing.licences import Settled
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import read_corpus
from tests import invented
from tests.golden import golden
from tests.translated_corpus import LANGUAGES as CODES
from tests.translated_corpus import QUESTIONS, translated

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "a`b``c|d\n---\n<script>alert(1)</script> [x](javascript:1) *b* {{ 7*7 }} ```"


def contents(folder: Path, **more: Any) -> Contents:
    manifest = store.read_json(folder / folders.MANIFEST)
    counts = {code: facts.count([read_corpus(folder, [code])]) for code in CODES}
    settled = Settled("cc-by-nc-4.0", ("A note.",))
    made = Contents("org/corpus", "train", folders.lineage(manifest), counts, settled)
    return replace(made, **more)


def front(text: str) -> dict[str, Any]:
    import yaml

    loaded: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return loaded


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return translated(tmp_path / "corpus")


def test_the_front_matter(corpus: Path) -> None:
    told = front(card.write(contents(corpus)))
    assert told["language"] == ["en", "fr", "ar"]
    assert told["language_bcp47"] == ["en-Latn", "fr-Latn", "ar-Arab"]
    assert told["license"] == "cc-by-nc-4.0"
    assert told["language_creators"] == ["machine-generated"]
    assert told["multilinguality"] == ["translation"]
    assert told["size_categories"] == ["n<1K"]
    assert told["source_datasets"] == ["extended|org/questions"]
    names = [one["config_name"] for one in told["configs"]]
    assert names == ["all", *CODES]
    assert [one.get("default") for one in told["configs"]] == [True, None, None, None]
    assert told["configs"][2]["data_files"] == [
        {"split": "train", "path": "data/fra_Latn/train-*.parquet"}
    ]


def test_a_split_called_no_stays_a_name(corpus: Path) -> None:
    told = front(card.write(contents(corpus, split="no")))
    assert told["configs"][0]["data_files"][0]["split"] == "no"


@pytest.mark.parametrize(
    ("code", "known"),
    [("eng_Latn", "en"), ("arz_Arab", "arz"), ("zho_Hant", "zh"), ("prs_Arab", "prs"),
     ("nno_Latn", "nn"), ("ace_Arab", "ace"), ("kas_Deva", "ks")],
)  # fmt: skip
def test_a_language_as_the_hub_writes_it(code: str, known: str) -> None:
    assert card._hub_language(code) == known


def test_every_language_has_a_code_that_the_hub_takes() -> None:
    assert all(re.fullmatch("[a-z]{2,3}", card._hub_language(code)) for code in LANGUAGES)


@pytest.mark.parametrize(
    ("rows", "size"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (123_456, "100K<n<1M"), (10**13, "n>1T")],
)
def test_size_categories(rows: int, size: str) -> None:
    assert card._size(rows) == size


def test_quality_is_counted_in_the_rows(corpus: Path) -> None:
    text = card.write(contents(corpus))
    # of six answers of a translation one stands nowhere
    assert "| `fra_Latn` | 83.3% | 83.3% | -0.50 | – | – | answer copy 1 |" in text
    assert "| `eng_Latn` | 100.0% | 100.0% | – | – | – | – |" in text
    assert f"| `arb_Arab` | Modern Standard Arabic | Arabic, right to left | {QUESTIONS} |" in text


def test_counts_add_up_over_frames(corpus: Path) -> None:
    whole = read_corpus(corpus, ["fra_Latn"])
    assert facts.count([whole[:2], whole[2:]]) == facts.count([whole])
    assert facts.count([whole]).mean("question_logprob") == pytest.approx(-0.5)
    assert facts.count([whole]).mean("answer_logprob") is None


def test_the_model_and_the_paper_are_named(corpus: Path) -> None:
    text = card.write(contents(corpus))
    assert "`facebook/nllb-200-distilled-600M`, revision `" + "b" * 40 in text
    assert "licence cc-by-nc-4.0" in text
    assert "nllb2022" in text
    assert "Of 7 rows that were read, 6 were kept; unanswerable: 1." in text


def test_what_was_not_compared_is_in_the_card(corpus: Path) -> None:
    made = contents(corpus)
    found = {name: invented.leaked()[name] for name in ("corpus", "hits", "leaked", "coverage")}
    found |= {"hits": [], "leaked": {"questions": 0, "rows": {}}}
    check = {
        "check-leakage": {"ngrams": [8], "containment": 0.5, "similarity": 0.5, "action": "report"},
        "checked": invented.leaked()["checked"],
        "corpus": {"name": "corpus@1"},
        "found": found,
    }
    text = card.write(replace(made, checks=[check]))
    assert "47 of 4,002 questions were not compared with every set." in text
    assert "- **not compared:** swh\\_Latn questions with xquad-r (English, German only)" in text


def test_never_checked_is_said_first(corpus: Path) -> None:
    text = card.write(contents(corpus))
    assert text.index("never checked for leakage") < text.index("## How to load it")


def test_a_human_corpus_is_not_called_translated(corpus: Path) -> None:
    given = contents(corpus)
    human = read_corpus(corpus, ["eng_Latn"])
    manifest = {
        "stage": "import",
        "source": {},
        "versions": {"qa-parallel": "1"},
        "questions": {"all": 6, "complete": 6},
    }
    told = replace(given, lineage=[manifest], counts={"eng_Latn": facts.count([human])})
    text = card.write(told)
    assert front(text)["language_creators"] == ["found"]
    assert front(text)["multilinguality"] == ["monolingual"]
    assert "machine" not in text.split("---\n")[2]


def test_text_of_others_breaks_nothing(tmp_path: Path) -> None:
    hostile = translated(tmp_path / "corpus", source=HOSTILE, model=HOSTILE)
    given = contents(hostile, settled=Settled("mit", (HOSTILE,), (HOSTILE,)))
    text = card.write(given)
    body = text.split("---\n", 2)[2]
    assert "<script>" not in re.sub(r"(`+).+?\1", "", body, flags=re.DOTALL)
    assert "49" not in body
    assert "\n---\n" not in body
    assert r"\[x\](javascript:1)" in body


def test_no_folder_of_this_machine_is_told(tmp_path: Path) -> None:
    given = {"a": "/home/me/eval?split=test", "b": ["C:\\Users\\me\\m", "org/name@1"], "c": 1}
    assert store.portable(given) == {"a": "eval?split=test", "b": ["m", "org/name@1"], "c": 1}
    local = translated(tmp_path / "corpus", model=str(tmp_path / "my-model"))
    text = card.write(contents(local))
    assert str(tmp_path) not in text
    assert "my-model" in text


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("license: cc-by-nc-4.0", "license: my-own", "license"),
        ("- en\n", "- english\n", "english"),
        ("- n<1K", "- few", "few"),
        ("  default: true\n", "", "all by default"),
        ("license: cc-by-nc-4.0", "license: [", "can read"),
        ("config_name: all", "configname: all", "config_name"),
        ("split: train", "split: a-b", "data_files"),
        ("name: eng_Latn", "name: eng_Latn\n  default: true", "all, eng_Latn"),
    ],
)
def test_a_card_that_the_hub_would_refuse(corpus: Path, old: str, new: str, found: str) -> None:
    text = card.write(contents(corpus))
    assert old in text
    with pytest.raises(PublishError, match=found):
        card.validate(text.replace(old, new, 1))


def test_a_plan_and_results_are_told(corpus: Path) -> None:
    plan = {"build-batches": {"strategy": "hybrid"}, "steps": {"train": 1200, "validation": 7}}
    result = {"dataset": "set", "setting": "monolingual", "measure": "map", "value": 0.61849,
              "queries": 300, "encoder": "demo@1"}  # fmt: skip
    distance = {**result, "setting": "multilingual", "measure": "rank_distance", "value": 1213.4}
    text = card.write(contents(corpus, plan=plan, results=[result, distance]))
    assert "hybrid):\n1,200 training steps, 7 validation steps." in text
    assert "| set | monolingual | mAP | 0.6185 | 300 |" in text
    assert "| set | multilingual | rank distance ↓ | 1,213.4 | 300 |" in text


def test_licences_come_from_manifest_and_rows(corpus: Path) -> None:
    given = contents(corpus)
    sources, model = facts.parties(given.lineage, given.counts.values())
    assert [one.license for one in sources] == ["cc-by-4.0"]
    assert model is not None
    assert model.license == "cc-by-nc-4.0"
    rows = read_corpus(corpus).with_columns(license=pl.lit("MIT, cc-by-sa-4.0"))
    sources, _ = facts.parties(given.lineage, [facts.count([rows])])
    assert {one.license for one in sources} == {"mit", "cc-by-sa-4.0", "cc-by-4.0"}


def test_the_whole_card(corpus: Path) -> None:
    """With a filter, a check, a plan and an evaluation, of numbers that all differ."""
    made = contents(corpus)
    before = {**made.lineage[0], "source_counts": {"read": 31, "kept": 6, "blank": 25}}
    counts = {code: {name: one[name] for name in ("rows", "kept", "rejected")}
              for code, one in invented.filtered()["languages"].items()}  # fmt: skip
    reasons = {
        code: {
            reason: {name: counted[name] for name in ("rejected", "alone", "left")}
            for reason, counted in one["reasons"].items()
        }
        for code, one in invented.filtered()["languages"].items()
    }
    filtered = {
        "stage": "filter",
        "questions": {"all": 9, "complete": 5},
        "source_counts": counts,
        "reasons": reasons,
        "filter": {},
        "versions": before["versions"],
    }
    whole = [row for row in invented.results() if row["query_language"] is None]
    text = card.write(
        replace(
            made,
            lineage=[before, filtered],
            plan={"build-batches": {"strategy": "hybrid"}, "steps": {"train": 41, "validation": 5}},
            results=[row for row in whole if row["measure"] in ("map", "rank_distance")],
        )
    )
    golden(GOLDEN / "card.md", text.replace(__version__, "VERSION"))


def test_what_was_read_as_what_is_in_the_card(corpus: Path) -> None:
    made = contents(corpus)
    words = "question ← *Frage* 6/6 · left aside: <b>url</b>"
    first = {**made.lineage[0], "layout": {"qa.csv": {"words": words}}}
    text = card.write(replace(made, lineage=[first, *made.lineage[1:]]))
    assert "Read of `qa.csv`: question ← " in text
    assert "<b>url</b>" not in text
    assert "*Frage*" not in text
