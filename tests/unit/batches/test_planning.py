"""Plans of ragged corpora, against brute force over their rows."""

from __future__ import annotations

import itertools
import operator
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa_parallel.batches.planning import BatchPlan, make_plan
from qa_parallel.batches.report import describe
from qa_parallel.batches.rows import Rows, gather, positive_text, text_keys
from qa_parallel.batches.settings import BatchSettings, Positive, exponent
from qa_parallel.batches.strategies import COMPARED, MIXED, STRATEGIES, BatchKind, Strategy
from qa_parallel.batches.summary import unmet
from qa_parallel.errors import LanguageError, QAParallelError, RecipeError, SourceError
from qa_parallel.schema import BATCHES
from qa_parallel.settings import parse
from qa_parallel.text import comparison_form
from tests.small_corpora import corpus_frame, parallel

CODES = ("eng_Latn", "deu_Latn", "fra_Latn")
NAMES = ("monolingual", "cross-lingual", "hybrid", "mixed")
Row = dict[str, Any]


@st.composite
def ragged(draw: st.DrawFn) -> list[Row]:
    """Questions in some languages only, on few passages, with texts that come again."""
    rows = []
    passages = draw(st.integers(2, 8))
    for number in range(draw(st.integers(4, 14))):
        passage = draw(st.integers(0, passages - 1))
        for code in draw(st.sets(st.sampled_from(CODES), min_size=1)):
            rows.append(
                {
                    "qa_id": f"q{number}",
                    "passage_id": f"p{passage}",
                    "language": code,
                    "question": draw(st.sampled_from([f"Q {number} {code}?", "Why?", "WHY", " "])),
                    "passage": draw(
                        st.sampled_from([f"P {passage} {code}.", f"N {number}", "Yes.", "yes", ""])
                    ),
                }
            )
    return meant(rows)


def meant(rows: list[Row]) -> list[Row]:
    """The rows with what they share: `same`, the group of the passage, question and positive.

    `split` is what must not be divided between training and validation.
    """

    def shared(*names: str) -> list[Any]:
        """The first row that each one is linked with, by its id or by a text of these names."""
        forms = [
            {
                (row["qa_id"], "id"),
                *((comparison_form(row[name]), name) for name in names if row[name].strip()),
            }
            for row in rows
        ]
        labels = list(range(len(rows)))
        for _ in rows:
            for one, other in itertools.combinations(range(len(rows)), 2):
                if forms[one] & forms[other]:
                    labels[one] = labels[other] = min(labels[one], labels[other])
        return labels

    columns = {
        "group": shared("passage_id", "passage"),
        "question": shared("question"),
        "positive": shared("passage"),
    }
    same = [tuple(row) for row in zip(*columns.values(), strict=True)]
    split = shared("passage_id", "passage", "question")
    return [row | {"same": same[n], "split": split[n]} for n, row in enumerate(rows)]


def rows_of(rows: list[Row], validation: float = 0.0, positive: Positive = "sentence") -> Rows:
    plain = [{name: row[name] for name in row if name not in ("same", "split")} for row in rows]
    return gather([text_keys(corpus_frame(plain), positive)], validation)


def planned(rows: list[Row], side: str = "train", **options: Any) -> BatchPlan:
    chosen = BatchSettings(**{"validation": 0.0, "batch_size": 3, **options})
    return make_plan(rows_of(rows, chosen.validation), chosen, side)  # type: ignore[arg-type]


class Slots:
    """A plan's slots as rows of the corpus, looked up one by one."""

    def __init__(self, rows: list[Row], made: BatchPlan) -> None:
        by_key = {(row["qa_id"], row["language"]): row for row in rows}
        self.steps: dict[int, list[tuple[Row, Row]]] = {}
        assert made.batches.schema == BATCHES
        for slot in made.batches.to_dicts():
            asked = by_key[slot["qa_id"], slot["question_language"]]
            found = by_key[slot["qa_id"], slot["passage_language"]]
            batch = self.steps.setdefault(slot["step"], [])
            assert slot["slot"] == len(batch)
            batch.append((asked, found))
        assert list(self.steps) == list(range(len(self.steps)))


def clash(one: tuple[Row, Row], other: tuple[Row, Row]) -> bool:
    """Whether two slots must not meet."""
    mine, theirs = (keys(*slot) for slot in (one, other))
    return any(left == right for left, right in zip(mine, theirs, strict=True))


def keys(asked: Row, found: Row) -> tuple[int, int, int]:
    """Group, question and positive of a slot."""
    return asked["same"][0], asked["same"][1], found["same"][2]


def all_slots(rows: list[Row], kind: str, code: str | None) -> list[tuple[Row, Row]]:
    """Every slot that a kind of batch may hold; `code` is the language of a monolingual one."""
    return [
        (asked, found)
        for asked, found in itertools.product(rows, rows)
        if asked["qa_id"] == found["qa_id"]
        and asked["question"].strip()
        and found["passage"].strip()
        and (asked["language"] == found["language"]) == (kind != "cross-lingual")
        and code in (None, asked["language"])
    ]


def kind_of(batch: list[tuple[Row, Row]], strategy: str) -> str:
    if strategy != "hybrid":
        return strategy
    return "monolingual" if batch[0][0]["language"] == batch[0][1]["language"] else "cross-lingual"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=ragged(),
    strategy=st.sampled_from(NAMES),
    size=st.integers(2, 4),
    steps=st.integers(1, 8),
    seed=st.integers(0, 3),
)
def test_every_batch_of_a_ragged_corpus(
    rows: list[Row], strategy: str, size: int, steps: int, seed: int
) -> None:
    options: dict[str, Any] = {
        "strategy": strategy,
        "batch_size": size,
        "steps": steps,
        "seed": seed,
    }
    try:
        made = planned(rows, **options)
    except QAParallelError:
        made = None
    if made is None:
        assert too_small(rows, strategy, size)
        return
    slots = Slots(rows, made)
    for code in made.too_small:  # what is too small for a batch of its own is left out
        assert too_small([row for row in rows if row["language"] == code], "monolingual", size)
    rows = [row for row in rows if row["language"] not in made.too_small]
    assert len(slots.steps) == steps
    short = 0
    for batch in slots.steps.values():
        kind = kind_of(batch, strategy)
        language = batch[0][0]["language"] if kind == "monolingual" else None
        possible = all_slots(rows, kind, language)
        assert all(slot in possible for slot in batch)
        assert not any(clash(*pair) for pair in itertools.combinations(batch, 2))
        assert len(batch) <= size
        if len(batch) < size:  # nothing more would have fitted
            short += 1
            assert all(any(clash(one, slot) for slot in batch) for one in possible)
    report = describe(made)
    assert report["short"]["batches"] == short
    counts = Counter(
        (kind_of(batch, strategy), asked["language"], found["language"])
        for batch in slots.steps.values()
        for asked, found in batch
    )
    told = {
        (one["kind"], one["question_language"], one["passage_language"]): one["drawn"]
        for one in report["strata"]
    }
    assert {key: count for key, count in told.items() if count} == counts
    missed = sum(abs(one["drawn"] - one["wanted"]) for one in report["strata"])
    assert bool(unmet(report)) or not missed
    if not report["short"]["batches"] and not report["replaced"]:
        assert not missed


def too_small(rows: list[Row], strategy: str, size: int) -> bool:
    """Whether some kind of batch has no rows, or a language too few for one batch."""
    kinds = {"hybrid": ("monolingual", "cross-lingual")}.get(strategy, (strategy,))
    for kind in kinds:
        for code in CODES if kind == "monolingual" else [None]:
            slots = all_slots(rows, kind, code)
            if code is not None and not slots:
                continue
            places = zip(*(keys(*slot) for slot in slots), strict=True)
            if min((len(set(one)) for one in places), default=0) < size:
                return True
        if not all_slots(rows, kind, None):
            return True
    return False


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ragged(), strategy=st.sampled_from(NAMES), share=st.sampled_from([0.1, 0.4]))
def test_validation_is_one_pass_over_what_is_reserved(
    rows: list[Row], strategy: str, share: float
) -> None:
    if not any(row["question"].strip() and row["passage"].strip() for row in rows):
        return
    made = planned(rows, "validation", strategy=strategy, validation=share)
    slots = Slots(rows, made)
    drawn: Counter[tuple[str, str, str]] = Counter()
    for batch in slots.steps.values():
        assert 2 <= len(batch) <= 3
        assert not any(clash(*pair) for pair in itertools.combinations(batch, 2))
        kind = kind_of(batch, strategy)
        drawn.update((kind, asked["qa_id"], asked["language"]) for asked, _ in batch)
    assert set(drawn.values()) <= {1}
    # the reserved passages are a share of all, chosen by nothing but their ids
    kept = rows_of(rows, share)
    of = {(row["qa_id"], row["language"]): row["split"] for row in rows}
    sizes = {
        split: len({row["passage_id"] for row in rows if row["split"] == split})
        for split in of.values()
    }
    passages = len({row["passage_id"] for row in rows})
    small = [split for split, size in sizes.items() if size <= max(1, round(share * passages))]
    wanted = min(max(1, round(share * len(sizes))), len(sizes) - 1)
    places = kept.keys.select("qa_id", "language").rows()
    sides = [
        {of[key] for key, there in zip(places, kept.reserved, strict=True) if there == side}
        for side in (True, False)
    ]
    assert not sides[0] & sides[1]
    assert len(sides[0]) == min(wanted, max(1, len(small)))
    assert sides[0] <= set(small) or not small
    again = rows_of(rows[::-1], share, "passage")
    reserved = set(kept.keys.filter(pl.Series(kept.reserved))["passage_id"])
    assert set(again.keys.filter(pl.Series(again.reserved))["passage_id"]) == reserved


@pytest.mark.parametrize("strategy", NAMES)
def test_an_epoch_uses_every_question_once(strategy: str) -> None:
    rows = parallel(60, CODES, per_passage=2)
    made = planned(rows, strategy=strategy, batch_size=5, epochs=2)
    assert made.batches["step"].max() == 2 * 3 * 60 // 5 - 1
    uses = Counter(made.batches.select("qa_id", "question_language").iter_rows())
    assert len(uses) == 180
    replaced = sum(one.replaced for one in made.filled)
    assert sum(abs(count - 2) for count in uses.values()) <= 2 * replaced
    assert replaced <= 6


def test_training_never_sees_what_is_reserved() -> None:
    rows = parallel(40, CODES, per_passage=2)
    seen = []
    for strategy, seed in itertools.product(NAMES, (0, 1)):
        options = {"strategy": strategy, "seed": seed, "validation": 0.2, "epochs": 3}
        ids = [
            set(planned(rows, side, **options).batches["qa_id"]) for side in ("train", "validation")
        ]
        passages = [{int(qa_id[1:]) // 2 for qa_id in mine} for mine in ids]
        assert not passages[0] & passages[1]
        assert len(ids[0]) == 32
        seen.append(ids[1])
    assert all(one == seen[0] for one in seen)


def share(weights: list[Fraction], total: int) -> list[int]:
    exact = [weight * total / sum(weights) for weight in weights]
    whole = [int(one) for one in exact]
    order = sorted(range(len(whole)), key=lambda place: (whole[place] - exact[place], place))
    for place in order[: total - sum(whole)]:
        whole[place] += 1
    return whole


@pytest.mark.parametrize(("weights", "power"), [("uniform", 0), ("size", 1), ("size:2", 2)])
def test_shares_of_languages(weights: str, power: int) -> None:
    sizes = {"eng_Latn": 120, "deu_Latn": 60, "fra_Latn": 30}
    rows = [row for code, count in sizes.items() for row in parallel(count, [code])]
    expected = share([Fraction(count) ** power for count in sizes.values()], 40)
    made = planned(rows, strategy="monolingual", steps=40, language_weights=weights)
    steps = made.batches.unique("step").group_by("question_language").len()
    assert dict(steps.iter_rows()) == dict(zip(sizes, expected, strict=True))
    expected = share([Fraction(count) ** power for count in sizes.values()], 120)
    made = planned(rows, strategy="mixed", steps=40, language_weights=weights)
    slots = made.batches.group_by("question_language").len()
    assert dict(slots.iter_rows()) == dict(zip(sizes, expected, strict=True))


def test_shares_of_pairs_are_met_in_every_batch_too() -> None:
    rows = parallel(300, CODES)
    made = planned(rows, strategy="cross-lingual", batch_size=60, steps=12)
    counts = made.batches.group_by("step", "question_language", "passage_language").len()
    assert counts.height == 12 * 6
    assert counts["len"].is_between(6, 14).all()
    totals = made.batches.group_by("question_language", "passage_language").len()
    assert totals["len"].to_list() == [120] * 6


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, 0), (0.4, 8), (0.5, 10), (1.0, 20)])
def test_alpha_is_the_share_of_monolingual_batches(alpha: float, expected: int) -> None:
    rows = parallel(60, CODES)
    made = planned(rows, strategy="hybrid", alpha=alpha, steps=20)
    same = pl.col("question_language") == pl.col("passage_language")
    kinds = made.batches.group_by("step").agg(every=same.all(), some=same.any()).sort("step")
    assert (kinds["every"] == kinds["some"]).all()
    assert kinds["every"].sum() == expected
    if expected == 10:  # mixed over the whole plan
        assert 3 <= kinds["every"].head(10).sum() <= 7


def test_several_corpora() -> None:
    first = text_keys(corpus_frame(parallel(90, CODES)), "sentence")
    other = text_keys(corpus_frame(parallel(30, CODES[:2], prefix="r")), "sentence")
    rows = gather([first, other])
    for weights, expected in (("size", [30, 10]), ("uniform", [20, 20])):
        made = make_plan(
            rows,
            BatchSettings(strategy="monolingual", batch_size=8, steps=15, source_weights=weights),
        )
        counts = made.batches.filter(question_language="eng_Latn").group_by("corpus").len()
        assert counts.sort("corpus")["len"].to_list() == expected
        french = made.batches.filter(question_language="fra_Latn")
        assert french["corpus"].unique().to_list() == [0]
    # a question that both corpora have is one, and so are its passages
    same = gather([first, first])
    made = make_plan(same, BatchSettings(strategy="mixed", batch_size=40, steps=4))
    assert not made.batches.select(pl.struct("step", "qa_id").is_duplicated().any()).item()


def test_a_sentence_is_to_find_its_translations_not_itself() -> None:
    sentences = [
        {**row, "question": row["passage"]} for row in parallel(30, CODES, prefix="sentence")
    ]
    frames = [corpus_frame(parallel(60, CODES)), corpus_frame(sentences)]
    for validation, side in ((0.0, "train"), (0.5, "validation")):
        rows = gather([text_keys(frame, "sentence") for frame in frames], validation)
        assert rows.question_is_positive.sum() == 30 * len(CODES)
        options = BatchSettings(batch_size=8, steps=12, source_weights="uniform")
        batches = make_plan(rows, options, side).batches  # type: ignore[arg-type]
        own = pl.col("question_language") == pl.col("passage_language")
        assert set(batches.filter(own)["corpus"]) == {0}
        assert set(batches.filter(~own)["corpus"]) == {0, 1}
    alone = gather([text_keys(frames[1], "sentence")])
    with pytest.raises(SourceError, match="found no question to train on"):
        make_plan(alone, BatchSettings(strategy="monolingual", batch_size=4))
    crossed = BatchSettings(strategy="cross-lingual", batch_size=4)
    assert len(make_plan(alone, crossed).batches) > 0


def test_one_seed_one_plan() -> None:
    rows = rows_of(parallel(60, CODES))
    for strategy in NAMES:
        made = [
            make_plan(rows, BatchSettings(strategy=strategy, batch_size=6, seed=seed)).batches
            for seed in (5, 5, 6)
        ]
        assert made[0].equals(made[1])
        assert not made[0].equals(made[2])


def test_small_strata_repeat_and_are_told() -> None:
    rows = parallel(50, ["eng_Latn"]) + parallel(5, ["deu_Latn"])
    made = planned(rows, strategy="monolingual", batch_size=5, steps=20)
    report = describe(made)
    assert report["languages"]["deu_Latn"] == {
        "questions": 5, "drawn": 50, "left_out": 0, "mean": 10.0, "most": 10,
    }  # fmt: skip
    assert "monolingual deu_Latn, 5 rows for 50 draws, each up to 10 times" in unmet(report)
    assert report["matrix"] == {"deu_Latn": {"deu_Latn": 50}, "eng_Latn": {"eng_Latn": 50}}
    assert report["passages"] == {"there": 50, "drawn": 50, "a_batch": [5, 5.0, 5]}


def test_a_language_that_gets_nothing_is_told() -> None:
    made = planned(parallel(50, CODES), strategy="monolingual", steps=2)
    report = describe(made)
    assert report["left_out"] == [["monolingual", "fra_Latn", "fra_Latn"]]
    assert any("fra_Latn" in line for line in unmet(report))


def test_one_passage_of_very_many_questions() -> None:
    rows = parallel(40, CODES)
    crowd = [{**row, "passage_id": "crowd"} for row in parallel(200, CODES, prefix="c")]
    made = planned(rows + crowd, strategy="mixed", batch_size=10, steps=60)
    assert describe(made)["short"]["batches"] == 0
    assert made.batches.filter(pl.col("qa_id").str.starts_with("c")).height <= 60


def test_what_a_question_is_to_find() -> None:
    row: Row = {
        "qa_id": "a", "language": "eng_Latn", "question": "What?", "answer": "two three",
        "passage": "One. Two. Three. Four.", "answer_sentences": [2, 1],
        "sentence_breaks": [[0, 4], [5, 9], [10, 16], [17, 22]],
    }  # fmt: skip
    none = {**row, "qa_id": "b", "answer_sentences": [], "passage": " ", "answer": None}
    frame = corpus_frame([row, none])
    for positive, text in (
        ("sentence", "Two. Three."), ("passage", "One. Two. Three. Four."), ("answer", "two three")
    ):  # fmt: skip
        found = frame.select(positive_text(positive)).to_series()  # type: ignore[arg-type]
        assert found.to_list() == [text, None]


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"batch_size": 31}, QAParallelError, "at least 31 distinct passages in eng_Latn"),
        ({"batch_size": 61, "strategy": "mixed"}, QAParallelError, "at least 61 distinct passages"),
        ({"strategy": "cross-lingual", "languages": "en"}, RecipeError, "found eng_Latn"),
        ({"strategy": "hybrid", "languages": "en"}, RecipeError, "two languages or more"),
        ({"strategy": "cross-lingual", "pairs": "en:fr"}, SourceError, "found none to train on"),
        ({"strategy": "cross-lingual", "pairs": "en:sw"}, LanguageError, "found eng_Latn:swh_Latn"),
        ({"languages": "en,sw"}, LanguageError, "found swh_Latn"),
    ],
)
def test_what_cannot_be_planned(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    rows = parallel(30, CODES[:2]) + parallel(30, ["fra_Latn"], prefix="alone")
    chosen = {"strategy": "monolingual", **options}
    with pytest.raises(kind, match=message):
        planned(rows, **chosen)


def test_no_text_to_find_and_a_question_twice() -> None:
    rows = [{**row, "answer": None} for row in parallel(4, CODES)]
    with pytest.raises(SourceError, match="expected rows with a question and a text to find"):
        rows_of(rows, positive="answer")
    with pytest.raises(SourceError, match="found 'q0' several times in eng_Latn"):
        rows_of(rows + rows[:1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 1, "epochs": 1}, "found both"),
        ({"language_weights": "sizes"}, "uniform, size or size:EXPONENT"),
        ({"strategy": "mixed", "pairs": "en:de"}, "expected no pairs"),
        ({"pairs": "en:en"}, "two languages"),
        ({"pairs": "en"}, "found 'en'"),
        ({"pairs": "zh-TW-de"}, "found 'zh-TW-de'"),
        ({"alpha": 2}, "alpha = 2"),
        ({"validation": 1}, "validation = 1"),
        ({"batchsize": 4}, "did you mean 'batch_size'"),
    ],
)
def test_settings_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(QAParallelError, match=message):
        parse(BatchSettings, values, "options")


def test_settings_are_parsed() -> None:
    chosen = BatchSettings(
        pairs="en:de,zh-TW:de,eng_Latn-fra_Latn",  # type: ignore[arg-type]
        languages="German, en",  # type: ignore[arg-type]
    )
    assert chosen.pairs == (
        ("eng_Latn", "deu_Latn"), ("zho_Hant", "deu_Latn"), ("eng_Latn", "fra_Latn")
    )  # fmt: skip
    assert chosen.languages == ("deu_Latn", "eng_Latn")
    assert exponent("size:.5") == 0.5
    assert BatchSettings.model_validate(chosen.model_dump(mode="json")) == chosen


def test_forms_are_compared_not_texts() -> None:
    rows = [
        {"qa_id": f"q{n}", "language": "eng_Latn", "question": q, "passage": f"Text {n}."}
        for n, q in enumerate(["Où est-il ?", "ou est il", "Who?", "When?"])
    ]
    kept = rows_of(rows)
    assert kept.question_meaning[0] == kept.question_meaning[1]
    assert len(np.unique(kept.question_meaning)) == 3


def test_what_means_the_same_in_one_language_does_in_all() -> None:
    """Every third question comes again in other signs, under another id and passage."""
    rows = parallel(120, CODES, per_passage=1)
    twins = [
        row | {"qa_id": f"twin-{row['qa_id']}", "passage_id": f"twin-{row['passage_id']}",
               "question": row["question"].upper() if row["language"] == "eng_Latn"
               else f"Anders gefragt: {row['question']}",
               "passage": f"Again: {row['passage']}"}
        for row in rows if int(row["qa_id"][1:]) % 3 == 0
    ]  # fmt: skip
    both, options = rows + twins, {"strategy": "cross-lingual", "batch_size": 24, "epochs": 3}
    for side in ("train", "validation"):
        made = planned(both, side, validation=0.2, **options)
        for (_,), batch in made.batches.group_by("step"):
            asked = [qa_id.removeprefix("twin-") for qa_id in batch["qa_id"]]
            assert len(set(asked)) == len(asked)
    kept = rows_of(both, 0.2)
    sides = [
        {one.removeprefix("twin-") for one in kept.keys.filter(pl.Series(mask))["qa_id"]}
        for mask in (kept.reserved, ~kept.reserved)
    ]
    assert not sides[0] & sides[1]
    assert len(sides[0]) == round(0.2 * 120)


def test_a_passage_that_comes_again_is_not_validated_by() -> None:
    rows = parallel(40, CODES, per_passage=2)
    twins = [
        row | {"qa_id": f"twin-{row['qa_id']}", "passage_id": f"twin-{row['passage_id']}",
               "question": f"Otherwise: {row['question']}", "passage": row["passage"].upper()}
        for row in rows
    ]  # fmt: skip
    kept = rows_of(rows + twins, 0.2)
    sides = [
        {one.removeprefix("twin-") for one in kept.keys.filter(pl.Series(mask))["passage_id"]}
        for mask in (kept.reserved, ~kept.reserved)
    ]
    assert len(sides[0]) == 4
    assert not sides[0] & sides[1]


def test_answers_that_are_one_in_a_language_are_one_in_all() -> None:
    rows = parallel(4, CODES[:2])
    for row in rows:
        if row["language"] == "eng_Latn" and row["qa_id"] in ("q0", "q1"):
            row["answer"] = "The mill"
    kept = rows_of(rows, positive="answer")
    german = kept.positive_meaning[4:]
    assert german[0] == german[1] == kept.positive_meaning[0]
    assert len(set(german)) == 3
    assert kept.group.max() == 3


@pytest.mark.parametrize(
    ("answer", "groups"), [("Yes.", 20), ("Take it back to the shop within thirty days.", 19)]
)
def test_a_long_answer_stands_for_the_passage_of_a_faq(answer: str, groups: int) -> None:
    rows: list[Row] = [row | {"passage": None} for row in parallel(20, CODES[:1])]
    rows[0]["answer"], rows[1]["answer"] = answer, answer.upper()
    assert rows_of(rows, positive="answer").group.max() + 1 == groups


def test_one_text_of_very_many_passages_is_trained_on() -> None:
    """A translator that says the same of half of the questions must not empty the training."""
    rows = parallel(40, CODES, per_passage=2)
    for row in rows:
        if row["language"] == "fra_Latn" and int(row["qa_id"][1:]) < 20:
            row["question"] = "Oui ?"
    for share in (0.05, 0.2, 0.4):
        kept = rows_of(rows, share)
        assert 0 < kept.reserved.sum() <= share * len(kept)


@pytest.fixture
def by_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two strategies more: each batch of one pair; and only English passages, beside mixed ones."""
    one = BatchKind("one-pair", operator.ne, grouped=True)
    english = BatchKind("to-english", lambda _, passage: passage == "eng_Latn")
    for strategy in (
        Strategy("by-pair", "one pair of languages a batch", (one,)),
        Strategy("english", "passages in English, else mixed", (english, MIXED), (0.75, 0.25)),
    ):
        monkeypatch.setitem(STRATEGIES, strategy.name, strategy)


@pytest.mark.usefixtures("by_pair")
@pytest.mark.parametrize("side", ["train", "validation"])
def test_a_strategy_is_a_value_in_the_table(side: str) -> None:
    rows = parallel(60, CODES)
    made = planned(rows, side, strategy="by-pair", steps=18, validation=0.3)
    pairs = made.batches.unique(["step", "question_language", "passage_language"])
    assert pairs["step"].n_unique() == pairs.height == made.batches["step"].n_unique()
    assert (made.batches["question_language"] != made.batches["passage_language"]).all()
    if side == "train":
        counts = pairs.group_by("question_language", "passage_language").len()
        assert counts["len"].to_list() == [3] * 6
    assert {one["kind"] for one in describe(made)["strata"]} == {"one-pair"}


@pytest.mark.usefixtures("by_pair")
def test_a_strategy_has_shares_of_its_own() -> None:
    made = planned(parallel(60, CODES), strategy="english", steps=12, alpha=0.0)
    kinds = Counter(unit.kind.name for unit in made.units for _ in unit.sizes)
    assert kinds == {"to-english": 9, "mixed": 3}
    english = made.batches.group_by("step").agg((pl.col("passage_language") == "eng_Latn").all())
    assert english["passage_language"].sum() >= 9
    same = (made.batches["question_language"] == made.batches["passage_language"]) & (
        made.batches["passage_language"] == "eng_Latn"
    )
    assert same.any()


@pytest.mark.parametrize("strategy", ["monolingual", "hybrid"])
def test_a_language_of_few_rows_is_left_out_and_told(strategy: str) -> None:
    rows = parallel(40, CODES[:2]) + parallel(5, CODES[2:])
    for side in ("train", "validation"):
        made = planned(rows, side, strategy=strategy, batch_size=10, validation=0.3)
        there = made.batches.select("question_language", "passage_language")
        assert set(there.unpivot()["value"]) == set(CODES[:2])
        words = "fra_Latn is left out of the plan: its "
        assert any(line.startswith(words) for line in unmet(describe(made)))
    with pytest.raises(RecipeError, match="in fra_Latn for monolingual batches of 10"):
        planned(rows, strategy=strategy, batch_size=10, languages=CODES)
    crossed = planned(rows, strategy="mixed", batch_size=10)
    assert "fra_Latn" in crossed.batches["question_language"].to_list()


def test_what_validation_takes_is_a_hint() -> None:
    rows = parallel(2, CODES[:1])
    with pytest.raises(RecipeError, match=r"or --validation 0: 1 of 2 passages are reserved"):
        planned(rows, strategy="monolingual", batch_size=2, validation=0.05)
    with pytest.raises(RecipeError, match=r"smaller --batch-size, or leave the language out$"):
        planned(rows, strategy="monolingual", batch_size=3)


@pytest.mark.usefixtures("by_pair")
def test_a_pair_that_is_too_small_for_a_batch_is_named() -> None:
    with pytest.raises(RecipeError, match="distinct passages in eng_Latn → deu_Latn for one-pair"):
        planned(parallel(5, CODES), strategy="by-pair", batch_size=6)
    with pytest.raises(RecipeError, match="expected no pairs"):
        planned(parallel(5, CODES), strategy="english", pairs=[["en", "de"]])
    crossed = planned(parallel(9, CODES), strategy="by-pair", pairs=[["en", "de"], ["fr", "de"]])
    assert set(crossed.batches["passage_language"]) == {"deu_Latn"}


def test_a_strategy_that_is_none_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"expected a strategy of monolingual, .*found 'hybird'"):
        parse(BatchSettings, {"strategy": "hybird"}, "options")


def test_what_is_compared_by_default_is_in_the_table() -> None:
    assert set(COMPARED) <= set(STRATEGIES)
    assert all(name == strategy.name for name, strategy in STRATEGIES.items())
