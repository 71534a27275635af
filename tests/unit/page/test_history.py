"""What the page tells of each stage, and warns of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qa_parallel.page import history
from qa_parallel.page.stage import write_report
from qa_parallel.page.stage_folders import find
from qa_parallel.storage import store
from qa_parallel.storage.folders import VERSION
from tests import invented, translated_corpus
from tests.golden import golden, listed

GOLDEN = Path(__file__).parent / "golden"


def test_what_was_before_is_known_from_the_manifest(tmp_path: Path) -> None:
    folder = translated_corpus.translated(tmp_path / "corpus")
    before = store.read_json(folder / "manifest.json")
    counts = {"eng_Latn": {"rows": 6, "kept": 6, "rejected": 0},
              "fra_Latn": {"rows": 6, "kept": 4, "rejected": 2}}  # fmt: skip
    manifest = {**before, "stage": "filter", "source_counts": counts, "input": before,
                "reasons": {"fra_Latn": {"answer copied": {"rejected": 2}}}}  # fmt: skip
    store.write_json(folder / "manifest.json", manifest)
    found = find(folder, VERSION)
    told = history.history(found)
    assert list(told) == ["translate", "filter"]
    assert [(one.title, one.name) for one in history.entries(found, told)] == [
        ("Translate", "not in this folder"), ("Filter", ""),
    ]  # fmt: skip
    french = history.flows(told)[1]
    assert (french.rows, french.rejected, french.left, french.share) == (6, 2, 4, "67 %")
    reasons = history.reasons(told)
    assert reasons is not None
    assert reasons.totals == {"answer copied": 2}
    assert reasons.picture.summary.endswith("Highest: 2 (answer copied, fra_Latn).")
    notes = " ".join(history.notes(found, told, None))
    assert "French 33 %" in notes
    assert "never" not in notes
    assert "compared with an evaluation set" in notes


def test_a_stage_made_from_another_corpus_says_so(tmp_path: Path) -> None:
    translated_corpus.translated(tmp_path / "translated")
    filtered = translated_corpus.translated(tmp_path / "filtered")
    manifest = store.read_json(filtered / "manifest.json")
    digest = find(tmp_path, VERSION)[0].digest
    manifest |= {"stage": "filter", "source_counts": {}}
    for name in ("report.json", "decisions.parquet"):
        (filtered / name).touch()
    for known, problem in ((digest, ""), ("0" * 16, "Made from translated@0000")):
        manifest |= {"corpus": {"name": "translated@0000", "digest": known}}
        store.write_json(filtered / "manifest.json", manifest)
        found = find(tmp_path, VERSION)
        second = list(history.entries(found, history.history(found)))[1]
        assert second.problem.startswith(problem)
        assert bool(second.problem) == bool(problem)


def test_what_leaks_and_stays_is_a_warning() -> None:
    manifest: dict[str, Any] = {
        "check-leakage": {"action": "report"},
        "found": {"leaked": {"questions": 3, "rows": {"eng_Latn": 3}}},
    }
    told: dict[str, dict[str, Any]] = {
        "import": {"languages": {"eng_Latn": {"rows": 9}}},
        "check-leakage": manifest,
    }
    assert history.flows(told)[0].left == 9
    assert "still in the data: 3 questions" in " ".join(history.notes([], told, None))
    manifest["check-leakage"] = {"action": "drop"}
    assert history.flows(told)[0].left == 6
    assert not list(history.notes([], told, None))
    words = "deu_Latn questions with xquad-en (English only)"
    manifest["found"]["coverage"] = {"not_compared": [{"words": words}]}
    assert f"Not compared, so that nothing is known of leaks: {words}." in list(
        history.notes([], told, None)
    )


def test_the_figures_of_all_stages() -> None:
    report = invented.filtered()
    counts = {
        code: {name: one[name] for name in ("rows", "kept", "rejected")}
        for code, one in report["languages"].items()
    }
    reasons = {
        code: {reason: {"rejected": one["rejected"]} for reason, one in mine["reasons"].items()}
        for code, mine in report["languages"].items()
    }
    told: dict[str, Any] = {
        "translate": invented.translated(),
        "filter": {"stage": "filter", "source_counts": counts, "reasons": reasons, "seconds": 61.0},
        "check-leakage": {"stage": "check-leakage", "checked": [{"name": "xquad-r"}],
                          "check-leakage": {"action": "drop"},
                          "found": {"leaked": {"questions": 37, "rows": {"deu_Latn": 36}}}},
    }  # fmt: skip
    parts = {
        "entries": list(history.entries([], told)),
        "flows": [(flow, flow.left, flow.share) for flow in history.flows(told)],
        "reasons": history.reasons(told),
        "qualities": [(one, one.lost) for one in history.qualities(told)],
        "source": history.source_counts(told),
        "notes": list(history.notes([], told, report)),
    }
    text = "\n\n".join(f"{name}\n{listed(part)}" for name, part in parts.items())
    golden(GOLDEN / "history.txt", text)


def test_what_was_read_as_what_is_told(tmp_path: Path) -> None:
    folder = translated_corpus.translated(tmp_path)
    manifest = store.read_json(folder / "manifest.json")
    words = "question ← Frage 6/6 · passage ← none · left aside: <b>url</b>"
    store.write_json(folder / "manifest.json", {**manifest, "layout": {"qa.csv": {"words": words}}})
    found = find(folder, VERSION)
    (entry,) = history.entries(found, history.history(found))
    assert entry.layout == [f"qa.csv: {words}"]
    page = write_report(folder).read_text("utf-8")
    assert "question ← Frage 6/6" in page
    assert "<b>url</b>" not in page
