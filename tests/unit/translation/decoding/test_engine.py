"""Decoding: scores, the second decoding, memory that runs out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qa_parallel.errors import ModelError
from qa_parallel.translation.cache import Translation
from qa_parallel.translation.decoding.engine import Engine, _tidy
from qa_parallel.translation.decoding.packing import Item, numbered, room
from qa_parallel.translation.decoding.settings import DecodingSettings
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings

TEXTS = [
    "The cat sat on the mat.",
    "A dog ran.",
    "The dog sat.",
    "Cat!",
    "The mat ran in the park.",
]


@pytest.fixture
def engine(tiny_nllb: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    cache = tmp_path_factory.getbasetemp() / "models"
    model = resolve(ModelSettings(model=str(tiny_nllb), quantization="float32", cache=cache))
    settings = DecodingSettings(beam=2, compute_type="float32", threads=1, guards=False)
    return Engine(model, settings, "eng_Latn")


def item(index: int, size: int) -> Item:
    return Item(index, f"text {index}", ["x"] * size)


def test_translations_keep_the_order_and_do_not_depend_on_the_batch(engine: Engine) -> None:
    """Greedy and in float32: a text that is cut, since it goes on for ever, has its own length."""
    engine.settings = engine.settings.model_copy(update={"beam": 1})
    tokens = engine.encode(TEXTS)
    assert len(list(engine.cut(numbered(TEXTS, tokens)))) == 1
    together = engine.translate(TEXTS, tokens, "deu_Latn")
    for text, expected in zip(TEXTS, together, strict=True):
        alone = engine.translate([text], engine.encode([text]), "deu_Latn")[0]
        assert (alone.text, alone.tokens) == (expected.text, expected.tokens)


def test_a_small_window_has_a_batch_for_every_worker(engine: Engine) -> None:
    items = [item(index, 10) for index in range(100)]
    assert [len(batch) for batch in engine.cut(items)] == [100]
    sizes = {}
    for engine._workers, engine.batch_tokens in ((4, 4096), (4, 60)):
        sizes[engine.batch_tokens] = [len(batch) for batch in engine.cut(items)]
    engine._workers, engine.batch_tokens = 1, 4096
    assert sizes == {4096: [31, 31, 31, 7], 60: [5] * 20}


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
def test_logprob_is_the_sum_that_the_model_itself_gives(engine: Engine, penalty: float) -> None:
    """Oracle: CTranslate2 scores the tokens that it generated."""
    engine.settings = engine.settings.model_copy(update={"length_penalty": penalty})
    tokens = engine.encode(TEXTS)
    translator: Any = engine._translator
    for text, piece in zip(TEXTS, tokens, strict=True):
        (translation,) = engine.translate([text], [piece], "deu_Latn")
        source = engine.model.wrap(piece, "eng_Latn", "deu_Latn")[0]
        limit = min(room(len(piece)) + 1, engine.model.max_positions - 8)
        hypothesis = translator.translate_batch(
            [source], [["deu_Latn"]], beam_size=2, length_penalty=penalty, max_decoding_length=limit
        )[0].hypotheses[0]
        scored = translator.score_batch([source], [hypothesis])[0].log_probs[1:]
        ended = "truncated" not in translation.flags
        expected = scored if ended else scored[:-1]
        assert translation.tokens == len(expected)
        assert translation.logprob == pytest.approx(sum(expected), rel=1e-4, abs=1e-4)


def test_scores_of_given_translations(engine: Engine) -> None:
    tokens = engine.encode(TEXTS[:1])
    ((logprob, count),) = engine.score(tokens, ["Ein Hund."], "deu_Latn")
    german = engine.encode(["Ein Hund."])[0]
    translator: Any = engine._translator
    source = engine.model.wrap(tokens[0], "eng_Latn", "deu_Latn")[0]
    scored = translator.score_batch([source], [["deu_Latn", *german]])[0].log_probs[1:]
    assert count == len(german) + 1
    assert logprob == pytest.approx(sum(scored), rel=1e-5)


class Moody:
    """In CTranslate2's place: loops unless n-grams may not repeat; small memory."""

    def __init__(self, room: int = 10_000, second: str = "gut", score: float = -0.5) -> None:
        self.room, self.second, self.sizes = room, second, list[int]()
        self.beams: list[int] = []
        self.score = score

    def translate_batch(self, source: Any, prefix: Any, **options: Any) -> list[Any]:
        size = len(source) * max(map(len, source))
        self.sizes.append(size)
        self.beams.append(options["beam_size"])
        words = [self.second] if "no_repeat_ngram_size" in options else ["in"] * 9
        done = SimpleNamespace(hypotheses=[[*prefix[0], *words, "</s>"]], scores=[self.score])

        def result() -> Any:
            if size > self.room:
                raise RuntimeError("CUDA failed with error out of memory")
            return done

        return [SimpleNamespace(result=result) for _ in source]

    def score_batch(self, source: Any, targets: Any, **options: Any) -> list[Any]:
        if options["max_batch_size"] > self.room:
            raise RuntimeError("CUDA failed with error out of memory")
        return [SimpleNamespace(log_probs=[0.0, -1.0, -2.0]) for _ in source]


class Words:
    """A tokenizer of words."""

    eos, unk = "</s>", "<unk>"

    def encode_batch(self, texts: list[str]) -> list[list[str]]:
        return [text.split() for text in texts]

    def decode_batch(self, batch: list[list[str]]) -> list[str]:
        return [" ".join(tokens) for tokens in batch]


def wrap(tokens: list[str], source: str, target: str) -> tuple[list[str], list[str]]:
    return [source, *tokens, "</s>"], [target]


def moody(translator: Moody, **settings: Any) -> Engine:
    engine = object.__new__(Engine)
    engine.source, engine.device = "eng_Latn", "cpu"
    engine.settings = DecodingSettings(**settings)
    engine.tokenizer, engine._translator = Words(), translator  # type: ignore[assignment]
    engine.model = SimpleNamespace(max_positions=100, name="moody", wrap=wrap)  # type: ignore[assignment]
    engine.batch_tokens, engine.batch_texts, engine.score_tokens = 64, 99, 64
    engine._workers = 1
    return engine


def test_a_loop_is_decoded_once_more_and_the_better_one_kept() -> None:
    engine = moody(Moody())
    found = engine.translate(["a b", "c"], [["a", "b"], ["c"]], "deu_Latn")
    assert [one.text for one in found] == ["gut", "gut"]
    assert [one.flags for one in found] == [("redecoded",)] * 2
    # scored by the plain model, the language token left out
    assert [(one.logprob, one.tokens) for one in found] == [(-3.0, 2)] * 2


def test_the_second_decoding_looks_further() -> None:
    translator = Moody()
    moody(translator, beam=3).translate(["a b"], [["a", "b"]], "deu_Latn")
    assert translator.beams == [3, 5]


def test_the_last_digits_of_a_score_are_not_kept() -> None:
    """Two runs may batch a text with others: what they record is the same."""
    one, other = (
        moody(Moody(score=score), guards=False).translate(["a"], [["a"]], "deu_Latn")
        for score in (-0.51234567, -0.51234561)
    )
    assert one == other


def test_a_second_decoding_that_is_no_better_is_not_kept() -> None:
    engine = moody(Moody(second="<unk> " * 9))
    (found,) = engine.translate(["a b"], [["a", "b"]], "deu_Latn")
    assert found.flags == ("loop",)
    assert found.text == "in in in in in in in in in"


def test_what_another_engine_flagged_is_mended() -> None:
    translator = Moody()
    first = Translation("in in in in in", -1.0, 3, ("loop",))
    (found,) = moody(translator).mend(["a b"], [["a", "b"]], [first], "deu_Latn")
    assert len(translator.sizes) == 1  # the second decoding alone
    assert found == Translation("gut", -3.0, 2, ("redecoded",))
    worse = moody(Moody(second="<unk> " * 9)).mend(["a b"], [["a", "b"]], [first], "deu_Latn")
    assert worse == [first]


def test_without_guards_nothing_is_decoded_twice() -> None:
    translator = Moody()
    (found,) = moody(translator, guards=False).translate(["a"], [["a"]], "deu_Latn")
    assert len(translator.sizes) == 1
    assert found.flags == ("loop",)


def test_when_memory_runs_out_the_batches_are_halved() -> None:
    translator = Moody(room=20)
    engine = moody(translator, guards=False)
    texts = [f"w{number} x y" for number in range(40)]
    found = engine.translate(texts, [text.split() for text in texts], "deu_Latn")
    assert len(found) == 40
    # halved once for all the batches that were in flight, twice in all: 64, 32, 16
    assert engine.batch_tokens == 16
    assert translator.sizes[-1] <= 20


def test_when_memory_runs_out_in_scoring_only_scoring_is_halved() -> None:
    engine = moody(Moody(room=20))
    assert len(engine.score([["a"]], ["b"], "deu_Latn")) == 1
    assert (engine.batch_tokens, engine.score_tokens) == (64, 16)


def test_a_large_vocabulary_makes_small_batches(engine: Engine) -> None:
    """256,206 words, 4 bytes each, for 43 texts with up to 6 hypotheses: less than 256 MiB."""
    nllb = Engine(replace(engine.model, words=256_206), DecodingSettings(threads=1), "eng_Latn")
    assert nllb.batch_texts == 43
    assert nllb.score_tokens <= 261
    assert max(map(len, nllb.cut([item(index, 1) for index in range(100)]))) == 43
    small = Engine(replace(engine.model, words=12_000), DecodingSettings(threads=1), "eng_Latn")
    assert small.batch_texts == 932


def test_a_text_that_does_not_fit_alone_is_an_error() -> None:
    with pytest.raises(ModelError, match="does not hold moody and one batch of 16 tokens"):
        moody(Moody(room=1), guards=False).translate(["a"], [["a"]], "deu_Latn")


def test_a_full_stop_that_the_source_lacks_is_dropped() -> None:
    assert _tidy("Paris", "Paris.") == "Paris"
    assert _tidy("Paris.", "Paris.") == "Paris."
    assert _tidy("東京", "东京。") == "东京"
    assert _tidy("and so on", "und so weiter...") == "und so weiter..."
    assert _tidy("a", ".") == "."


def test_the_signature_names_what_shapes_the_output() -> None:
    plain = DecodingSettings()
    assert plain.signature() == DecodingSettings(threads=1, batch_tokens=64).signature()
    for change in ({"beam": 1}, {"length_penalty": 0.5}, {"guards": False}, {"compute_type": "x"}):
        assert plain.signature() != DecodingSettings.model_validate(change).signature()
