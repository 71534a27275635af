"""Decoding within a list: what it may say, what the whole model does, what the proof says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qa_parallel.errors import ModelError
from qa_parallel.translation.cache import Translation
from qa_parallel.translation.decoding.engine import Done, Engine, OnBatch, ignore
from qa_parallel.translation.decoding.settings import DecodingSettings
from qa_parallel.translation.models import inspection
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.vocabulary import restricted
from qa_parallel.translation.vocabulary.restricted import Proof, Restricted, prove
from qa_parallel.translation.vocabulary.tokens import Vocabulary

TEXTS = ["The cat sat on the mat.", "A dog ran.", "The dog sat.", "The mat ran in the park."]


@pytest.fixture(scope="module")
def engine(tiny_nllb: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    cache = tmp_path_factory.getbasetemp() / "models"
    model = resolve(ModelSettings(model=str(tiny_nllb), quantization="float32", cache=cache))
    settings = DecodingSettings(beam=4, compute_type="float32", threads=1, guards=False)
    return Engine(model, settings, "eng_Latn")


def generated(engine: Engine) -> set[str]:
    """Every token of the translations, language and end tokens left out."""
    translator, tokens = engine._translator, engine.encode(TEXTS)
    results: Any = translator.translate_batch(
        [engine.model.wrap(one, "eng_Latn", "deu_Latn")[0] for one in tokens],
        [["deu_Latn"]] * len(TEXTS),
        use_vmap=engine._restricted,
        beam_size=4,
        max_decoding_length=40,
    )
    return {token for result in results for token in result.hypotheses[0][1:]}


def test_nothing_outside_the_list_is_said(engine: Engine, tmp_path: Path) -> None:
    free = generated(engine)
    words = [word for word in inspection.vocabulary(engine.model.path) if word not in free][4:40]
    listed = Vocabulary(("deu_Latn", "</s>", *words), copies=False)
    narrow = restricted.load(engine, listed, tmp_path).narrow
    assert generated(narrow) <= {*listed.tokens, "<unk>", "<s>"}
    assert generated(engine) == free  # the whole model is what it was


def test_the_whole_vocabulary_as_a_list_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    everything = Vocabulary(inspection.vocabulary(engine.model.path), copies=False)
    listed = restricted.load(engine, everything, tmp_path)
    tokens = engine.encode(TEXTS)
    one = engine.translate(TEXTS, tokens, "deu_Latn")
    other = listed.translate(TEXTS, tokens, "deu_Latn")
    assert [item.text for item in other] == [item.text for item in one]
    proof = prove(engine, listed, everything, TEXTS, tokens, "deu_Latn", TEXTS)
    assert proof.identical == proof.reached == 1
    assert proof.logprob_whole == pytest.approx(proof.logprob_restricted)
    assert proof.chrf_whole == proof.chrf_restricted
    assert proof.passes()


def test_the_proofs_means_are_the_whole_models(engine: Engine, tmp_path: Path) -> None:
    listed = Vocabulary(("deu_Latn", "</s>", "a", "b", "▁c"), copies=False)
    narrow = restricted.load(engine, listed, tmp_path)
    tokens = engine.encode(TEXTS)
    proof = prove(engine, narrow, listed, TEXTS, tokens, "deu_Latn")
    texts = [item.text for item in narrow.translate(TEXTS, tokens, "deu_Latn")]
    pairs = [
        engine.score([one], [text], "deu_Latn")[0] for one, text in zip(tokens, texts, strict=True)
    ]
    mean = sum(logprob for logprob, _ in pairs) / sum(count for _, count in pairs)
    assert proof.logprob_restricted == pytest.approx(mean, rel=1e-4)
    assert proof.logprob_restricted < proof.logprob_whole - restricted.MOST_LOGPROB
    assert not proof.passes()


def test_the_folder_appears_once_and_is_made_again_when_the_model_has_moved(
    engine: Engine, tmp_path: Path
) -> None:
    listed = Vocabulary(("deu_Latn", "</s>", "a"), copies=False)
    made = restricted.folder(engine.model, listed, tmp_path)
    assert (made / "vmap.txt").read_text() == "\tdeu_Latn </s> a\n"
    assert [path.name for path in made.parent.iterdir()] == [made.name]
    (made / "model.bin").unlink()
    (made / "model.bin").symlink_to(tmp_path / "gone")
    assert restricted.folder(engine.model, listed, tmp_path) == made
    assert (made / "model.bin").is_file()


def test_without_links_the_files_are_copied(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    made = restricted.folder(engine.model, Vocabulary(("</s>",), False), tmp_path)
    assert (made / "model.bin").read_bytes() == (engine.model.path / "model.bin").read_bytes()


def test_a_cache_that_cannot_be_written(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "restricted").write_text("a file where a folder should be")
    with pytest.raises(ModelError, match="leave out --restrict-vocabulary"):
        restricted.folder(engine.model, Vocabulary(("</s>",), False), tmp_path)


class Scripted:
    """In an engine's place: says its name before each text, with the flags of a table."""

    source, max_source_tokens = "eng_Latn", 100

    def __init__(self, name: str, flags: dict[str, str], guards: bool = True) -> None:
        self.name, self.flags = name, flags
        self.settings = DecodingSettings(guards=guards)
        self.asked: list[tuple[str, list[str]]] = []

    def translate(
        self, texts: Sequence[str], tokens: Any, target: str, on_batch: OnBatch = ignore
    ) -> list[Translation]:
        return self._say(self.name, texts, tokens, on_batch)

    def mend(
        self, texts: Sequence[str], tokens: Any, first: Any, target: str, on_batch: OnBatch
    ) -> list[Translation]:
        assert [one.text for one in first] == [f"narrow {text}" for text in texts]
        found = self._say("mended", texts, tokens, on_batch)
        return [replace(one, flags=(*one.flags, "redecoded")) for one in found]

    def _say(
        self, name: str, texts: Sequence[str], tokens: Any, on_batch: OnBatch
    ) -> list[Translation]:
        self.asked.append((name, list(texts)))
        on_batch(Done(len(texts), sum(map(len, tokens)), 10 * len(texts)))
        return [
            Translation(f"{name} {text}", -1.0, 1, tuple(self.flags.get(text, "").split()))
            for text in texts
        ]


def scripted(guards: bool = True) -> tuple[Scripted, Restricted]:
    whole = Scripted("whole", {"bad": "loop"}, guards)
    # decodes a second time itself
    narrow = Scripted("narrow", {"b": "redecoded", "bad": "loop"})
    listed = Vocabulary(("▁Ken",), copies=True)
    return whole, Restricted(whole, narrow, listed)  # type: ignore[arg-type]


def test_flags_and_names_out_of_reach_have_the_whole_model() -> None:
    whole, engine = scripted()
    told: list[Done] = []
    texts, tokens = ["a", "b", "c", "d", "bad"], [["▁a"], ["▁b"], ["▁Max"], ["▁Ken"], ["▁bad"]]
    found = engine.translate(texts, tokens, "fra_Latn", told.append)
    assert [one.text for one in found] == [
        "narrow a",
        "narrow b",
        "whole c",
        "narrow d",
        "mended bad",
    ]
    assert [one.flags for one in found] == [(), ("redecoded",), (), (), ("loop", "redecoded")]
    assert whole.asked == [("whole", ["c"]), ("mended", ["bad"])]
    assert sum(done.segments for done in told) == sum(done.read for done in told) == 5
    assert sum(done.generated for done in told) == 60  # one of them by both


def test_without_guards_flags_stay() -> None:
    whole, engine = scripted(guards=False)
    found = engine.translate(["a", "bad"], [["▁a"], ["▁bad"]], "fra_Latn")
    assert [one.text for one in found] == ["narrow a", "narrow bad"]
    assert found[1].flags == ("loop",)
    assert whole.asked == [("whole", [])]


@pytest.mark.parametrize(
    ("drop", "chrf", "passes"),
    [
        (0.0, None, True),
        (0.019, None, True),
        (0.021, None, False),
        (-0.5, None, True),
        (float("nan"), None, False),
        (0.0, 0.29, True),
        (0.0, 0.31, False),
        (0.021, 0.0, False),
    ],
)
def test_the_limits(drop: float, chrf: float | None, passes: bool) -> None:
    proof = Proof(10, 100, 1.0, 0.9, -0.5, -0.5 - drop, 2.0)
    if chrf is not None:
        proof = Proof(10, 100, 1.0, 0.9, -0.5, -0.5 - drop, 2.0, 57.0, 57.0 - chrf)
    assert proof.passes() is passes
