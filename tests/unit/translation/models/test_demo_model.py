"""The bundled demonstration model: size, languages, and that what is said of it is its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import qa_parallel
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings

ROOT = Path(__file__).parents[4]
DEMO = Path(qa_parallel.__file__).parent / "demo"
OTHERS = ("fra_Latn", "deu_Latn", "spa_Latn", "mar_Deva")


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEMO / "card.json").read_text(encoding="utf-8"))
    return found


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 30e6


def test_it_knows_its_languages_and_its_licence() -> None:
    model = resolve(ModelSettings(model="demo"))
    assert set(model.languages) == {"eng_Latn", *OTHERS}
    assert model.license == "cc-by-sa-4.0"


def test_the_card_measures_every_direction_on_both_sets(card: dict[str, Any]) -> None:
    results = card["evaluation"]["results"]
    found = {(row["set"], row["source"], row["target"]) for row in results}
    assert found == {
        (name, *pair)
        for name in ("tatoeba", "ntrex")
        for code in OTHERS
        for pair in (("eng_Latn", code), (code, "eng_Latn"))
    }
    for row in results:
        assert row["sentences"] >= 300
        assert row["chrf_signature"].startswith("nrefs:1|case:mixed")


def test_the_figures_that_people_read_are_the_cards(card: dict[str, Any]) -> None:
    text = (ROOT / "data_cards" / "demo-model.md").read_text(encoding="utf-8")
    for row in table(card):
        assert row in text


def table(card: dict[str, Any]) -> list[str]:
    """Rows of the table of chrF / BLEU, one a language, as the data card has them."""
    figures = {
        (row["set"], row["source"], row["target"]): f"{row['chrf']:.1f} / {row['bleu']:.1f}"
        for row in card["evaluation"]["results"]
    }
    return [
        f"| {code} | "
        + " | ".join(
            figures[name, *pair]
            for name in ("tatoeba", "ntrex")
            for pair in (("eng_Latn", code), (code, "eng_Latn"))
        )
        + " |"
        for code in OTHERS
    ]


def test_transformers_loads_the_hugging_face_folder() -> None:
    """The encoder that training starts from: same tokens as the translator's."""
    torch = pytest.importorskip("torch")
    from transformers import AutoTokenizer, M2M100ForConditionalGeneration

    tokenizer = AutoTokenizer.from_pretrained(DEMO / "hf", src_lang="eng_Latn")
    ours = resolve(ModelSettings(model="demo"))
    text = "Where is my dog? It's 3.5 km from here!"
    batch = tokenizer(text, return_tensors="pt")
    (tokens,) = ours.tokenizer().encode_batch([text])
    expected, _ = ours.wrap(tokens, "eng_Latn", "fra_Latn")
    assert tokenizer.convert_ids_to_tokens(batch["input_ids"][0]) == expected
    model: Any = M2M100ForConditionalGeneration.from_pretrained(DEMO / "hf")
    model = model.float()
    with torch.no_grad():
        hidden = model.get_encoder()(**batch).last_hidden_state
    assert hidden.shape == (1, len(expected), model.config.d_model)
    assert torch.isfinite(hidden).all()
