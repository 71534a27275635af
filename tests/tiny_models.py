"""Random models of a few thousand weights, laid out as the published ones are."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa_parallel.translation.models.model import Model

SENTENCES = [
    "The cat sat on the mat.",
    "Le chat est assis sur le tapis.",
    "Die Katze sitzt auf der Matte.",
    "猫坐在垫子上。",
    "A dog ran in the park in 1999, didn't it?",
    "Un chien courait dans le parc.",
    "Ein Hund lief im Park.",
]
# What a tokenizer may meet.
TEXTS = [
    "The cat sat on the mat.",
    "  Two  spaces, and a dog at the end ",
    "Un chien courait dans le parc.",
    "猫坐在垫子上。",
    "Ωmega 🙂 zebra, unknown letters: ждать",
    "",
    "...",
]
SCHEMES = ("nllb", "m2m100")
LANGUAGES = ["deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def build_nllb(folder: Path, languages: Sequence[str] = LANGUAGES) -> Path:
    """A Hugging Face folder like facebook/nllb-200-*: tokenizer.json with <mask> at its end."""
    from tokenizers import (
        AddedToken,
        Tokenizer,
        decoders,
        models,
        pre_tokenizers,
        processors,
        trainers,
    )

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer: Any = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.BpeTrainer(vocab_size=200, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.add_special_tokens(list(languages))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="eng_Latn $A </s>",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("eng_Latn", "</s>")],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "NllbTokenizer",
        "src_lang": "eng_Latn",
        "additional_special_tokens": list(languages),
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    # Like the published models, two rows more than there are tokens.
    return _save_model(folder, tokenizer.get_vocab_size() + 2)


def build_m2m(folder: Path) -> Path:
    """A Hugging Face folder like facebook/m2m100_418M: SentencePiece, vocab.json, 100 languages."""
    import sentencepiece

    folder.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 3),
        model_writer=model,
        vocab_size=150,
        hard_vocab_limit=False,
        model_type="bpe",
        minloglevel=2,
    )
    (folder / "sentencepiece.bpe.model").write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [processor.id_to_piece(index) for index in range(len(processor))]
    # The model's own ids; the last pieces have none, as some of M2M-100's have not.
    ordinary = [piece for piece in pieces if piece not in SPECIAL][:-1]
    ids = {piece: index for index, piece in enumerate([*SPECIAL, *ordinary])}
    (folder / "vocab.json").write_text(json.dumps(ids), "utf-8")
    config = {"tokenizer_class": "M2M100Tokenizer", "src_lang": "en", "tgt_lang": "fr"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    return _save_model(folder, len(ids) + 100 + 8)


def build_bert(folder: Path) -> Path:
    """A Hugging Face folder of a random BERT with 64 positions."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer: Any = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.BpeTrainer(vocab_size=150, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    kind: Any = PreTrainedTokenizerFast
    kind(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=64,
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def converted(model: Path | str, cache: Path, **more: Any) -> Model:
    """The model as `resolve` finds it for a CPU; converted to float32, if it is to be converted."""
    from qa_parallel.translation.models.model import resolve
    from qa_parallel.translation.models.settings import ModelSettings

    more.setdefault("quantization", "float32")
    return resolve(ModelSettings(model=str(model), cache=cache, device="cpu", **more))


def _save_model(folder: Path, vocabulary: int) -> Path:
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=vocabulary,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=64,
        init_std=0.3,
    )
    M2M100ForConditionalGeneration(config).save_pretrained(folder)
    return folder
