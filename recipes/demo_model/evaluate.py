"""Figures of the exported model on sentences that it has not seen, written as its card.

The int8 model is measured, decoded as the product decodes: punctuation normalised, beam 4.
References have the mild normalisation of the training targets (NFC, one kind of space and of
apostrophe), sources the full one.
"""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import ctranslate2
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from safetensors import safe_open
from tokenizers import Tokenizer

from recipes.demo_model.common import (
    ENGLISH,
    Settings,
    load_settings,
    read_pairs,
    source_text,
    target_text,
    token_id,
)

DATA = [
    {
        "name": "Tatoeba sentence pairs",
        "url": "https://tatoeba.org",
        "license": "CC BY 2.0 FR",
    },
    {
        "name": "NTREX-128",
        "url": "https://github.com/MicrosoftTranslator/NTREX",
        "license": "CC BY-SA 4.0",
    },
]


class Translator:
    """The exported CTranslate2 folder, sentences in, sentences out."""

    def __init__(self, folder: Path, beam: int = 4) -> None:
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.model = ctranslate2.Translator(
            str(folder), device="cpu", inter_threads=2, intra_threads=1
        )
        self.beam = beam

    def __call__(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Translate; blank or empty texts do not occur in the held-out sets."""
        encoded = self.tokenizer.encode_batch(
            [source_text(text) for text in texts], add_special_tokens=False
        )
        results = self.model.translate_batch(
            [[source, *encoding.tokens, "</s>"] for encoding in encoded],
            target_prefix=[[target]] * len(texts),
            beam_size=self.beam,
            batch_type="tokens",
            max_batch_size=2048,
            max_decoding_length=200,
        )
        ids = [
            [token_id(self.tokenizer, token) for token in result.hypotheses[0][1:]]
            for result in results
        ]
        return [text.strip() for text in self.tokenizer.decode_batch(ids)]


def figures(
    translate: Translator, pairs: Sequence[tuple[str, str]], language: str, name: str
) -> list[dict[str, Any]]:
    """chrF and BLEU of both directions on one held-out set, with sacrebleu's signatures."""
    english, other = [e for e, _ in pairs], [o for _, o in pairs]
    rows = []
    for source, target, texts, wanted in (
        (ENGLISH, language, english, other),
        (language, ENGLISH, other, english),
    ):
        outputs = translate(texts, source, target)
        references = [[target_text(text) for text in wanted]]
        chrf, bleu = CHRF(), BLEU()
        rows.append(
            {
                "source": source,
                "target": target,
                "set": name,
                "sentences": len(pairs),
                "chrf": round(chrf.corpus_score(outputs, references).score, 1),
                "bleu": round(bleu.corpus_score(outputs, references).score, 1),
                "chrf_signature": str(chrf.get_signature()),
                "bleu_signature": str(bleu.get_signature()),
            }
        )
    return rows


def card(work: Path, settings: Settings, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """All that the package says about the model; nothing in it is written by hand."""
    with safe_open(work / "checkpoint.safetensors", framework="np") as file:
        run = json.loads(file.metadata()["counters"])
        names = [name for name in file.keys() if name.startswith("model.")]  # noqa: SIM118
        parameters = sum(file.get_tensor(name).size for name in names)
    return {
        "description": (
            "Small translation model for demonstrations and tests: short everyday sentences"
            " between English and four languages. Not for real corpora."
        ),
        "architecture": "M2M100ForConditionalGeneration",
        "tokenizer": "NllbTokenizer",
        "languages": list(settings.codes),
        "parameters": parameters,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "license": "CC BY-SA 4.0",
        "data": DATA,
        "pairs": json.loads((work / "counts.json").read_text(encoding="utf-8")),
        "training": {
            "minutes": round(run["seconds"] / 60, 1),
            "updates": run["step"],
            "target_tokens": run["tokens"],
            "sentence_pairs": run["rows"],
            "settings": settings.model_dump(mode="json"),
        },
        "evaluation": {
            "decoding": {"compute": "int8", "beam": 4},
            "heldout_rule": (
                f"Tatoeba pairs that share less than {settings.data.overlap:.0%} of their word"
                f" {settings.data.overlap_words}-grams with any one training sentence, on the"
                " English side over all languages and on the other side; sentences shorter than"
                " that compared whole. NTREX: its last lines, none of them trained on."
            ),
            "results": rows,
        },
    }


@click.command()
@click.option("--work", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path, exists=True), required=True)
@click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path, exists=True),
    default=Path(__file__).with_name("settings.toml"),
)
@click.option("--limit", type=int, help="Only the first sentences of every set, for a quick look.")
def main(work: Path, out: Path, settings_path: Path, limit: int | None) -> None:
    """Measure OUT/ct2 on WORK/heldout and write OUT/card.json."""
    settings = load_settings(settings_path)
    translate = Translator(out / "ct2")
    rows = []
    for name in ("tatoeba", "ntrex"):
        for language in settings.languages:
            pairs = read_pairs(work / "heldout" / f"{name}.{language}.tsv")[:limit]
            for row in figures(translate, pairs, language, name):
                rows.append(row)
                click.echo(
                    f"{name} {row['source']}-{row['target']} {row['sentences']} sentences:"
                    f" chrF {row['chrf']} BLEU {row['bleu']}"
                )
    text = json.dumps(card(work, settings, rows), indent=1, ensure_ascii=False) + "\n"
    aside = out / ".card.json"
    aside.write_text(text, encoding="utf-8")
    aside.replace(out / "card.json")


if __name__ == "__main__":
    main()
