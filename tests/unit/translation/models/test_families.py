"""What every family of translation models keeps to, on a tiny model of each, made here."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from qa_parallel.errors import ModelError
from qa_parallel.language_codes import LANGUAGES
from qa_parallel.translation.models import conversion, families, inspection
from qa_parallel.translation.models.families import FAMILIES, M2M100, NLLB, Family
from qa_parallel.translation.models.model import Model, is_ready, resolve
from qa_parallel.translation.models.settings import ModelSettings, Quantization
from tests.tiny_models import build_m2m, build_nllb

BUILD: dict[str, Callable[[Path], Path]] = {"nllb": build_nllb, "m2m100": build_m2m}
# Names of published models, and the licence of their weights.
PUBLISHED = {
    "nllb": {"facebook/nllb-200-distilled-600M": "cc-by-nc-4.0", "x/NLLB-MoE-54b": "cc-by-nc-4.0"},
    "m2m100": {"facebook/m2m100_418M": "mit"},
}
TEXTS = ["The cat sat on the mat.", "deu_Latn", "</s> __de__ <pad>", "", "猫坐在垫子上。"]


@dataclass(frozen=True)
class Case:
    """A family, a Hugging Face folder of a tiny model of it, and the model."""

    family: Family
    folder: Path
    model: Model
    oracle: Any  # the tokenizer of transformers


def settings(folder: Path, cache: Path, **more: Any) -> ModelSettings:
    more.setdefault("quantization", "float32")
    return ModelSettings(model=str(folder), cache=cache, device="cpu", **more)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda one: one.name)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    from transformers import AutoTokenizer

    home = tmp_path_factory.mktemp("family")
    folder = BUILD[request.param.name](home / "model")
    model = resolve(settings(folder, home / "cache"))
    return Case(request.param, folder, model, AutoTokenizer.from_pretrained(folder))


def test_each_has_a_tiny_model_and_a_published_one() -> None:
    names = [one.name for one in FAMILIES]
    assert set(BUILD) == set(PUBLISHED) == set(names)
    assert len({*names}) == len(names)


def test_it_is_recognised_before_and_after_conversion(case: Case) -> None:
    config = conversion.read_json(case.folder / "config.json")
    assert case.family.recognise(config)
    assert not case.family.recognise({"model_type": "t5"})
    assert not case.family.recognise({})
    assert case.model.family is case.family
    marker = conversion.read_json(case.model.path / conversion.MARKER)
    assert marker["family"] == case.family.name


def test_languages_have_the_tokens_of_transformers(case: Case) -> None:
    vocabulary = inspection.vocabulary(case.model.path)
    found = case.family.languages(vocabulary)
    assert tuple(found) == case.model.languages
    assert len(found) > 2
    assert len({*found.values()}) == len(found)
    for code, token in found.items():
        assert code in LANGUAGES
        assert case.model.token(code) == token
        assert vocabulary.index(token) == case.oracle.convert_tokens_to_ids(token)


def test_text_is_wrapped_as_transformers_does(case: Case) -> None:
    for text, tokens in zip(TEXTS, case.model.tokenizer().encode_batch(TEXTS), strict=True):
        source, prefix = case.model.wrap(tokens, "eng_Latn", "fra_Latn")
        if "_" not in text and "<" not in text:  # those transformers takes for tokens
            assert source == case.oracle.convert_ids_to_tokens(case.oracle(text).input_ids)
        assert [token for token in source if token not in case.family.controls(source)] == tokens
        assert set(prefix) <= case.family.controls(prefix)


def test_greedy_decoding_is_that_of_transformers(case: Case) -> None:
    """What the source is wrapped in, and what is forced, steer the model as they should."""
    import ctranslate2
    import torch
    from transformers import M2M100ForConditionalGeneration

    (tokens,) = case.model.tokenizer().encode_batch(TEXTS[:1])
    translator = ctranslate2.Translator(str(case.model.path), compute_type="float32")
    theirs: Any = M2M100ForConditionalGeneration.from_pretrained(case.folder)
    theirs.eval()
    for target in ("fra_Latn", "deu_Latn"):
        source, prefix = case.model.wrap(tokens, "eng_Latn", target)
        ours = translator.translate_batch(
            [source], [prefix], beam_size=1, max_decoding_length=12, return_end_token=True
        )
        with torch.no_grad():
            ids = theirs.generate(
                **case.oracle(TEXTS[0], return_tensors="pt"),
                forced_bos_token_id=case.oracle.convert_tokens_to_ids(case.model.token(target)),
                num_beams=1,
                do_sample=False,
                max_length=13,
            )[0].tolist()
        vocabulary = inspection.vocabulary(case.model.path)
        # The model has a few rows more than there are tokens; they are called by their number.
        expected = [vocabulary[one] for one in ids[1:]]
        assert ours[0].hypotheses[0] == expected[: len(ours[0].hypotheses[0])]
        assert len(ours[0].hypotheses[0]) > 3


def test_control_tokens_never_come_from_text(case: Case) -> None:
    control = case.family.controls(inspection.vocabulary(case.model.path))
    assert {"<s>", "</s>", "<pad>"} | {*map(case.model.token, case.model.languages)} <= control
    for tokens in case.model.tokenizer().encode_batch([*TEXTS, *sorted(control)]):
        assert not control & {*tokens}


def test_a_model_that_takes_languages_for_the_same_is_refused(case: Case, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(case.folder, tmp_path / "deaf")
    weights = load_file(folder / "model.safetensors")
    tokens = [case.model.token(code) for code in case.model.languages]
    ids = case.oracle.convert_tokens_to_ids(tokens)
    embeddings = weights["model.shared.weight"]
    embeddings[ids] = embeddings[ids[0]].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="differently"):
        resolve(settings(folder, tmp_path / "cache"))


def test_it_has_a_licence_by_its_name(case: Case) -> None:
    for name, expected in PUBLISHED[case.family.name].items():
        assert case.family.license(name) == expected
    assert case.family.license("someone/else") is None


def test_its_precision_names_the_conversion(case: Case, tmp_path: Path) -> None:
    assert {case.family.on_cpu, case.family.on_cuda} <= {*get_args(Quantization)}
    asked = settings(case.folder, tmp_path, quantization=None)
    assert not is_ready(asked)
    assert resolve(asked).path.name.endswith(f"-{case.family.precision('cpu')}")
    assert is_ready(asked)
    other = next(one for one in get_args(Quantization) if one != case.family.on_cpu)
    assert not is_ready(settings(case.folder, tmp_path, quantization=other))


def test_its_sentences_have_a_limit(case: Case) -> None:
    assert case.model.max_sentence == case.family.max_sentence > 0


def test_a_model_can_be_sent_to_another_machine(case: Case) -> None:
    sent = pickle.loads(pickle.dumps(case.model))  # noqa: S301  (our own)
    assert sent == case.model
    assert hash(sent) == hash(case.model)
    assert sent.wrap(["▁The"], "eng_Latn", "fra_Latn") == case.model.wrap(
        ["▁The"], "eng_Latn", "fra_Latn"
    )


# --- a family that is added


def _ahead(tokens: Any, source: str, target: str) -> tuple[list[str], list[str]]:
    """As MADLAD-400: the target's token before the source, and nothing is forced."""
    return [target, *tokens, families.EOS], []


def test_a_family_that_is_added_is_found_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NLLB's weights under names of languages that only it knows, wrapped the other way."""
    own = Family(
        name="ahead",
        label="Ahead",
        model_type="m2m_100",
        token=lambda code: f"<2{code}>",
        wrap=_ahead,
        control=families._control("<2.*>"),
        licenses=(("ahead", "apache-2.0"),),
        max_sentence=99,
        on_cpu="float32",
    )
    folder = build_nllb(tmp_path / "ahead-7b")
    for path in (folder / "tokenizer.json", folder / "tokenizer_config.json"):
        text = path.read_text("utf-8")
        for code in ("deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans"):
            text = text.replace(json.dumps(code), json.dumps(f"<2{code}>"))
        path.write_text(text, "utf-8")
    asked = settings(folder, tmp_path / "cache", quantization=None)
    with pytest.raises(ModelError, match="expected language tokens"):
        resolve(asked)
    monkeypatch.setattr(families, "FAMILIES", (own, NLLB, M2M100))
    model = resolve(asked)
    assert (model.family, model.max_sentence, model.license) == (own, 99, "apache-2.0")
    assert model.path.name.endswith("-float32")
    assert is_ready(asked)
    assert model.wrap(["a"], "eng_Latn", "deu_Latn") == (["<2deu_Latn>", "a", "</s>"], [])
    assert "Ahead, NLLB-200 and M2M-100" in families.labels("and")


def test_translating_with_a_family_that_forces_nothing(tiny_nllb: Path, tmp_path: Path) -> None:
    """Nothing is cut from the front of what the model says, and scores are of all of it."""
    from qa_parallel.translation.decoding.engine import Engine
    from qa_parallel.translation.decoding.settings import DecodingSettings

    model = resolve(settings(tiny_nllb, tmp_path))
    model = replace(model, family=replace(model.family, wrap=_ahead))
    decoding = DecodingSettings(beam=1, compute_type="float32", threads=1, guards=False)
    engine = Engine(model, decoding, "eng_Latn")
    assert engine.prefix("deu_Latn") == []
    tokens = engine.encode(TEXTS[:1])
    (done,) = engine.translate(TEXTS[:1], tokens, "deu_Latn")
    raw: Any = engine._translator.translate_batch(
        [["deu_Latn", *tokens[0], "</s>"]], beam_size=1, max_input_length=0,
        max_decoding_length=engine._lengths(numbered(tokens))[1], return_end_token=True,
    )[0].hypotheses[0]  # fmt: skip
    assert done.tokens == len(raw)
    ((logprob, count),) = engine.score(tokens, ["Ein Hund."], "deu_Latn")
    scored: Any = engine._translator.score_batch(
        [["deu_Latn", *tokens[0], "</s>"]], engine.encode(["Ein Hund."])
    )[0].log_probs
    assert count == len(scored)
    assert logprob == pytest.approx(sum(scored), rel=1e-5)


def numbered(tokens: list[list[str]]) -> Any:
    from qa_parallel.translation.decoding import packing

    return packing.numbered(TEXTS[:1], tokens)


# --- what is none


def test_a_config_of_no_family() -> None:
    with pytest.raises(ModelError, match=r"type m2m_100 \(NLLB-200 or M2M-100\), found t5 in x"):
        families.of_config({"model_type": "t5"}, "x")
    with pytest.raises(ModelError, match="found no type in x"):
        families.of_config({}, "x")


def test_a_vocabulary_of_no_family() -> None:
    with pytest.raises(ModelError, match="found 1"):
        families.of_vocabulary({"deu_Latn", "▁the"}, "x")
    assert families.of_vocabulary({"deu_Latn", "fra_Latn", "__de__"}, "x") is NLLB
    assert families.of_vocabulary({"deu_Latn", "__fr__", "__de__"}, "x") is M2M100
