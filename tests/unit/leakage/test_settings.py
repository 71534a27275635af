"""Every setting of a check for leakage changes what is found, or what follows from it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from qa_parallel.errors import LeakageError
from qa_parallel.leakage.settings import LeakageSettings
from qa_parallel.leakage.stage import check_leakage, refuse_leaks
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from tests.settings_felt import Felt, Outcome, To
from tests.small_corpora import corpus_folder, corpus_frame

pytest.importorskip("torch")

QUESTIONS = {
    "same": "Who hid the brass key of the old mill under a stone?",
    "long": "In the winter of that year who hid the brass key of the old mill under a flat stone "
    "near the village church for his daughters?",
    "near": "Who hides the brass keys of the old mill under stones?",
    "other": "When do ferries cross the strait at noon?",
    "foreign": "The cat sat on the mat, didn't it?",
}
KNOWN = {
    "en": ["Who hid the brass key of the old mill under a stone?", "Which boats left at dawn?"],
    "fr": ["Le chat est assis sur le tapis.", "Un chien courait dans le parc."],
}


@pytest.fixture(scope="module")
def leakage(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Felt:
    scratch = tmp_path_factory.mktemp("checked")
    rows = [
        {"qa_id": key, "language": "eng_Latn", "question": text, "answer": f"answer {key}"}
        for key, text in QUESTIONS.items()
    ]
    corpus = corpus_folder(
        scratch / "corpus", corpus_frame([{**row, "passage": None} for row in rows])
    )
    sets = []
    for code, texts in KNOWN.items():
        path = scratch / f"{code}.jsonl"
        records = [{"id": f"{code}-{n}x", "question": text} for n, text in enumerate(texts)]
        path.write_text("".join(json.dumps(one) + "\n" for one in records))
        sets.append(EvalSettings(name=code, path=str(path)))
    numbers = itertools.count()

    def run(settings: LeakageSettings) -> Outcome:
        out = scratch / str(next(numbers))
        found = check_leakage(SourceSettings(source=str(corpus)), sets, settings, out)
        try:
            refuse_leaks(found)
            refused = False
        except LeakageError:
            refused = True
        return {
            "leaks": found.leaks.write_json(),
            "leaked": found.leaks.filter("leaked")["qa_id"].unique().sort().to_list(),
            "kinds": found.leaks["kind"].unique().sort().to_list(),
            "corpus": found.holds_corpus(),
            "refused": refused,
        }

    distant = {"encoder": str(tiny_bert), "cosine": 0.01}
    return Felt(
        LeakageSettings,
        run,
        {},
        {
            "action": To("drop", parts=("corpus",), same=("leaks",)),
            "ngrams": To((4,), parts=("leaks", "kinds")),
            "containment": To(0.95, parts=("leaks",), same=("kinds",)),
            "similarity": To(0.2, parts=("leaks",)),
            "cosine": To(0.99, distant, parts=("leaks", "leaked")),
            "encoder": To(str(tiny_bert), {"cosine": 0.01}, parts=("leaks", "kinds")),
            "prefix": To("Un chien: ", distant, parts=("leaks",)),
        },
    )


@pytest.mark.parametrize("field", LeakageSettings.model_fields)
def test_every_setting_is_felt(leakage: Felt, field: str) -> None:
    leakage.judge(field)


def test_what_follows_from_each_action(leakage: Felt) -> None:
    found = {action: leakage.outcome({"action": action}) for action in ("report", "drop", "fail")}
    assert {name: (one["corpus"], one["refused"]) for name, one in found.items()} == {
        "report": (False, False),
        "drop": (True, False),
        "fail": (False, True),
    }


def test_the_encoder_knows_its_prefix(tiny_bert: Path, tmp_path: Path, leakage: Felt) -> None:
    from qa_parallel.encoders.encoder import load_encoder

    encoder = load_encoder(tiny_bert)
    encoder.query_prefix = "Un chien: "
    encoder.save(tmp_path / "saved")
    given = {"encoder": str(tmp_path / "saved"), "cosine": 0.01}
    own, told, none = (
        leakage.outcome({**given, "prefix": prefix})["leaks"] for prefix in (None, "Un chien: ", "")
    )
    assert own == told != none
