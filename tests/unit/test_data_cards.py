"""The cards of data sets and models: as the Hub wants them, and what they say is so."""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml

import qa_parallel
from qa_parallel.language_codes import parse
from qa_parallel.pictures import style
from qa_parallel.publishing.licences import on_hub
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings

ROOT = Path(__file__).parents[2]
CARDS = ROOT / "data_cards"
DEMO = Path(qa_parallel.__file__).parent / "demo"
# The other pages there tell of experiments.
CARDS_OF_THE_HUB = ("demo-model.md", "quickstart.md")


def read(name: str) -> tuple[dict[str, Any], str]:
    """Front matter and text of a card."""
    _, front, text = (CARDS / name).read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), text


@pytest.mark.parametrize("name", CARDS_OF_THE_HUB)
def test_the_hub_takes_it(name: str) -> None:
    from huggingface_hub import DatasetCard

    front, _ = read(name)
    data = DatasetCard((CARDS / name).read_text(encoding="utf-8")).data
    assert {key: data.get(key) for key in front} == front
    assert front["license"] in on_hub()
    assert all(re.fullmatch("[a-z]{2,3}", code) for code in front["language"])


@pytest.mark.parametrize(
    "name", ["data_cards/xquad-r-strategies", "recipes/quickstart/before-after"]
)
def test_pictures_are_of_one_style(name: str) -> None:
    """One that is drawn before the style is changed would not fit beside the others."""
    data = (ROOT / f"{name}.svg").read_text("utf-8")
    assert style() in data
    assert "over" in {
        kind for one in ElementTree.fromstring(data).iter() for kind in one.get("class", "").split()
    }


def test_the_quickstart_set_is_what_its_card_says() -> None:
    front, text = read("quickstart.md")
    lines = (ROOT / "recipes/quickstart/questions.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    recipe = tomllib.loads((ROOT / "recipes/quickstart.toml").read_text("utf-8"))
    assert front["license"] == recipe["source"]["license"]
    assert front["language"] == ["en"]
    assert len(rows) < 1000
    assert front["size_categories"] == ["n<1K"]
    passages = {row["passage"] for row in rows}
    assert f"{len(rows)} questions over {len(passages)} short passages" in text


def test_the_demonstration_model_is_what_its_card_says() -> None:
    front, text = read("demo-model.md")
    told = " ".join(text.split())
    known = json.loads((DEMO / "card.json").read_text("utf-8"))
    model = resolve(ModelSettings(model="demo"))
    assert front["license"] == model.license
    assert {parse(code) for code in front["language"]} == set(model.languages)
    training = known["training"]
    assert f"{known['parameters']:,} parameters" in told
    assert f"{training['minutes']:.0f} minutes on two CPU cores" in told
    assert f"{training['updates']:,} updates" in told
    assert f"{training['target_tokens'] / 1e6:.1f} million target tokens" in told
    assert f"{training['sentence_pairs']:,} sentence pairs seen" in told
    decoding = known["evaluation"]["decoding"]
    assert f"the {decoding['compute']} model at beam {decoding['beam']}" in told
    assert known["evaluation"]["heldout_rule"] in told
