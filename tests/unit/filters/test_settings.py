"""Every setting of the filters, and every limit, changes what is measured or rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qa_parallel.filters.checks import CHECKS, Limits
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.filters.stage import filter_corpus
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import store
from tests.settings_felt import Felt, Outcome, To
from tests.small_corpora import corpus_folder, corpus_frame

pytest.importorskip("torch")

# English, German, Chinese
QUESTIONS = (
    ("Who painted the harbour in 1902?", "Wer malte den Hafen im Jahr 1902?", "1902年谁画了港口?"),
    ("When do ferries cross?", "Wann fahren die Fähren über die Meerenge?", "渡轮何时过海峡?"),
    ("Which dog barked at our postman at 7?", "Welcher Hund bellte um 7?", "哪条狗在7点叫?"),
    ("How many daughters moved to the coast?", "Wie viele Töchter zogen fort?", "几个女儿搬走?"),
    # without its final mark
    ("Why was that village abandoned?", "Warum leer", "为何废弃村庄?"),
    # two of the same
    ("Where did the miller hide his key?", "Wo ist der Schlüssel des Müllers?", "钥匙在哪里?"),
    ("What lay under the stone of the mill?", "Wo ist der Schlüssel des Müllers?", "石下有什么?"),
    ("Did the old bridge burn as well?", "Brannte auch die alte Brücke ab?", "旧桥也烧了吗?"),
)
CODES = ("eng_Latn", "deu_Latn", "zho_Hans")
PASSAGES = (
    "In 18{0} the town and its people, the harbour and its boats were of the best. See RFC-{0}.",
    "Im Jahr 18{0} waren die Stadt und ihre Leute, der Hafen und seine Boote gut. Siehe RFC-{0}.",
    "18{0}年, 这座城市和它的人民, 港口和船只都是最好的。参见 RFC-{0}。",
)


def rows() -> Iterator[dict[str, Any]]:
    """Eight questions in three languages; one translation does not say what it is one of."""
    for number, texts in enumerate(QUESTIONS):
        for place, code in enumerate(CODES):
            translated = place > 0
            yield {
                "qa_id": f"q{number}",
                "passage_id": f"p{number}",
                "language": code,
                "question": texts[place],
                "answer": f"18{number}0",
                "passage": PASSAGES[place].format(f"{number}0"),
                "translated_from": "eng_Latn" if translated and number != 2 else None,
                "translator": "m" if translated else None,
                "question_logprob": -0.1 * number if translated else None,
                "passage_logprob": -0.3 * number if translated else None,
                "answer_logprob": -0.2 * number if translated else None,
            }


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("corpora")
    # one question lacks a language
    frame = corpus_frame(list(rows())).filter(
        (pl.col("qa_id") != "q7") | (pl.col("language") != "zho_Hans")
    )
    return corpus_folder(home / "corpus", frame)


@pytest.fixture(scope="module")
def filters(corpus: Path, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Felt:
    out = tmp_path_factory.mktemp("filtered") / "out"

    def run(settings: FilterSettings) -> Outcome:
        """In one folder: what is measured again is what the settings change."""
        filter_corpus(SourceSettings(source=str(corpus)), settings, out, overwrite=True)
        scores = pl.concat(
            [pl.read_parquet(path) for path in sorted((out / "work" / "scores").glob("*.parquet"))]
        )
        decisions = store.read_parquet(out / "decisions.parquet")
        return {
            "scores": scores.with_columns(pl.col("score").round(5)).write_json(),
            "kinds": dict(Counter(scores["check"])),
            "rejected": decisions.select("qa_id", "language", "check").unique().sort(pl.all())
            .rows(),
        }  # fmt: skip

    return Felt(
        FilterSettings,
        run,
        {"detector": "none"},
        {
            "detector": To("py3langid", parts=("kinds",)),
            "pivot": To("en", parts=("scores", "kinds")),
            "encoder": To(str(tiny_bert), parts=("kinds",)),
            "prefix": To("query: ", {"encoder": str(tiny_bert)}, parts=("scores",)),
            "limits": To(Limits(length=0.01), parts=("rejected",), same=("scores",)),
            "min_languages": To(3, parts=("rejected",), same=("scores",)),
        },
    )


@pytest.mark.parametrize("field", FilterSettings.model_fields)
def test_every_setting_is_felt(filters: Felt, field: str) -> None:
    filters.judge(field)


@pytest.fixture(scope="module")
def limits(corpus: Path, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Felt:
    """Limits so strict that each check rejects something; without one it rejects nothing."""
    out = tmp_path_factory.mktemp("limited") / "out"
    measured = {"detector": "py3langid", "encoder": str(tiny_bert), "pivot": "eng_Latn"}

    def run(settings: Limits) -> Outcome:
        given = FilterSettings.model_validate({**measured, "limits": settings})
        filter_corpus(SourceSettings(source=str(corpus)), given, out, overwrite=True)
        return dict(Counter(store.read_parquet(out / "decisions.parquet")["check"]))

    strict = {
        name: 0.01 if check.learned else 9.0 if check.side == "min" else -1.0
        for name, check in CHECKS.items()
    }
    # a limit changes what its own check rejects, and nothing else; but what fixed limits reject
    # teaches learned ones nothing, so only the fixed ones are to stay as they are
    fixed = [name for name, check in CHECKS.items() if check.learned is None]
    return Felt(
        Limits,
        run,
        strict,
        {
            name: To(None, parts=(name,), same=tuple(one for one in fixed if one != name))
            for name in Limits.model_fields
        },
    )


@pytest.mark.parametrize("field", Limits.model_fields)
def test_every_limit_is_felt(limits: Felt, field: str) -> None:
    limits.judge(field)
