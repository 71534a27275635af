"""Held-out sets, tokenizer and tokenised training pairs from Tatoeba and NTREX.

A figure is worth something only if the test sentences are new. Tatoeba holds many sentences that
differ in one word, so a random split would test memory. Here a test pair shares less than 80 % of
its word 4-grams with any one training sentence, on its English side (training sentences of every
language pair) and on its other side.
"""

import gzip
import json
import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import numpy as np
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from recipes.demo_model.common import (
    ENGLISH,
    SPECIAL_TOKENS,
    DataSettings,
    Settings,
    TokenizerSettings,
    load_settings,
    source_text,
    target_text,
    write_pairs,
)

Pair = tuple[str, str]
Words = tuple[str, ...]


class _Stripped(dict[int, str | None]):
    """`str.translate` table: apostrophes vanish, other punctuation and symbols become spaces."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in "'’`´":
            self[code] = ""
        else:
            self[code] = " " if unicodedata.category(char)[0] in "PSZC" else char
        return self[code] or ""


_STRIPPED = _Stripped()


def comparison_words(text: str) -> Words:
    """Words of a sentence as the overlap rule sees them.

    >>> comparison_words("Don’t GO, Tom!")
    ('dont', 'go', 'tom')
    """
    return tuple(unicodedata.normalize("NFC", text).casefold().translate(_STRIPPED).split())


def ngrams(words: Words, size: int) -> set[Words]:
    """Distinct n-grams; a sentence shorter than `size` words is its own only n-gram."""
    if len(words) < size:
        return {words}
    return {words[i : i + size] for i in range(len(words) - size + 1)}


def largest_overlaps(held: Sequence[Words], training: Iterable[Words], size: int) -> list[float]:
    """Per held-out sentence, the largest share of its n-grams found in one training sentence.

    A sentence shorter than `size` words is compared whole: 1 where a training sentence equals it.
    """
    grams = [ngrams(words, size) for words in held]
    wanted = set().union(*grams)
    where: defaultdict[Words, list[int]] = defaultdict(list)
    for number, words in enumerate(set(training)):
        for gram in ngrams(words, size) & wanted:
            where[gram].append(number)
    return [
        max(Counter(n for gram in own for n in where.get(gram, ())).values(), default=0) / len(own)
        for own in grams
    ]


def read_tatoeba(folder: Path, language: str) -> list[Pair]:
    """Distinct pairs of one language in the file's order."""
    path = folder / "tatoeba-pairs" / f"{ENGLISH}-{language}.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = (line.rstrip("\n").split("\t") for line in lines)
        return list(dict.fromkeys((english, other) for english, other in rows))


def read_ntrex(folder: Path, language: str) -> list[Pair]:
    """NTREX line by line."""
    english, other = (
        (folder / "ntrex" / f"{code.split('_')[0]}.txt").read_text(encoding="utf-8").splitlines()
        for code in (ENGLISH, language)
    )
    return list(zip(english, other, strict=True))


def split_tatoeba(
    tatoeba: dict[str, list[Pair]],
    ntrex: dict[str, list[Pair]],
    settings: DataSettings,
    rng: random.Random,
) -> tuple[dict[str, list[Pair]], dict[str, list[Pair]]]:
    """Training pairs and held-out pairs per language.

    Every training pair that has a candidate's sentence on either side goes, in every language;
    then the candidates go that are too near to a sentence that stayed. Candidates that fail are
    lost to both sets: putting them back could spoil those that passed.
    """
    candidates = {}
    for language, pairs in tatoeba.items():
        by_english = {comparison_words(english): (english, other) for english, other in pairs}
        candidates[language] = rng.sample(
            list(by_english.values()), min(settings.candidates, len(by_english) // 10)
        )
    barred_english = {comparison_words(e) for pairs in candidates.values() for e, _ in pairs}
    training = {}
    for language, pairs in tatoeba.items():
        barred = {comparison_words(other) for _, other in candidates[language]}
        training[language] = [
            (english, other)
            for english, other in pairs
            if comparison_words(english) not in barred_english
            and comparison_words(other) not in barred
        ]
    everything = [*training.values(), *ntrex.values()]
    all_english = {comparison_words(english) for pairs in everything for english, _ in pairs}
    held = {}
    for language, pairs in candidates.items():
        others = {comparison_words(o) for _, o in [*training[language], *ntrex[language]]}
        size = settings.overlap_words
        near = zip(
            largest_overlaps([comparison_words(e) for e, _ in pairs], all_english, size),
            largest_overlaps([comparison_words(o) for _, o in pairs], others, size),
            strict=True,
        )
        held[language] = [
            pair
            for pair, overlaps in zip(pairs, near, strict=True)
            if max(overlaps) < settings.overlap and all(comparison_words(s) for s in pair)
        ]
    return training, held


def thin(pairs: Sequence[Pair], per_sentence: int, rng: random.Random) -> list[Pair]:
    """At most `per_sentence` pairs with the same English, and as many with the same translation.

    Tatoeba has some sentences in dozens of paraphrases; in a short training they are lost time.
    """
    seen: Counter[tuple[int, Words]] = Counter()
    kept = []
    for pair in rng.sample(pairs, len(pairs)):
        keys = [(side, comparison_words(text)) for side, text in enumerate(pair)]
        if all(seen[key] < per_sentence for key in keys):
            seen.update(keys)
            kept.append(pair)
    return kept


def train_tokenizer(texts: Iterator[str], settings: Settings) -> Tokenizer:
    """BPE as NllbTokenizer builds it: Metaspace alone at work, no normaliser.

    While merges are learnt, punctuation and digits stand alone. The merges then never join them,
    so numbers are copied digit by digit and "Tom." is no word of its own; the tokenizer needs no
    rule for it later.
    """
    options: TokenizerSettings = settings.tokenizer
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    alone = pre_tokenizers.Split(Regex(r'[.,!?;:"()«»„“”¿¡।…%/0-9०-९–—-]'), behavior="isolated")
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([metaspace, alone])
    trainer = trainers.BpeTrainer(
        vocab_size=options.vocabulary - len(settings.codes) - 1,  # the codes and <mask>
        special_tokens=list(SPECIAL_TOKENS),
        limit_alphabet=options.alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.pre_tokenizer = metaspace
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.add_special_tokens([*settings.codes, "<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[ENGLISH, "$A", "</s>"],
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (ENGLISH, "</s>")],
    )
    return tokenizer


def tokenised(
    pairs: Sequence[Pair], tokenizer: Tokenizer, max_tokens: int
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """Each pair four times: both sides as a source and as a target.

    A column is one flat array of token ids and one of ends. Pairs with an empty, a too long or a
    very unequal side are left out.
    """
    columns = {
        "english.source": [source_text(english) for english, _ in pairs],
        "other.target": [target_text(other) for _, other in pairs],
        "other.source": [source_text(other) for _, other in pairs],
        "english.target": [target_text(english) for english, _ in pairs],
    }
    ids = {
        name: [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
        for name, texts in columns.items()
    }
    good = [
        row
        for row in range(len(pairs))
        if (lengths := [len(column[row]) for column in ids.values()])
        and min(lengths) > 0
        and max(lengths) <= min(max_tokens, 4 * min(lengths) + 8)
    ]
    arrays = {}
    for name, column in ids.items():
        rows = [column[row] for row in good]
        arrays[name] = np.fromiter((i for row in rows for i in row), np.int32)
        arrays[f"{name}.ends"] = np.cumsum([len(row) for row in rows], dtype=np.int32)
    return arrays


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path, exists=True),
    default=Path(__file__).with_name("settings.toml"),
)
def main(data: Path, work: Path, settings_path: Path) -> None:
    """Write held-out sets, tokenizer.json and tokenised pairs into the folder WORK."""
    settings = load_settings(settings_path)
    rng = random.Random(settings.seed)
    (work / "heldout").mkdir(parents=True, exist_ok=True)
    cut = -settings.data.ntrex_heldout
    ntrex = {language: read_ntrex(data, language) for language in settings.languages}
    news = {language: pairs[:cut] for language, pairs in ntrex.items()}
    tatoeba = {language: read_tatoeba(data, language) for language in settings.languages}
    training, held = split_tatoeba(tatoeba, news, settings.data, rng)
    counts = {}
    for language in settings.languages:
        test = settings.data.heldout
        development = held[language][test : test + settings.data.development]
        write_pairs(work / "heldout" / f"tatoeba.{language}.tsv", held[language][:test])
        write_pairs(work / "heldout" / f"development.{language}.tsv", development)
        write_pairs(work / "heldout" / f"ntrex.{language}.tsv", ntrex[language][cut:])
        thinned = thin(training[language], settings.data.per_sentence, rng)
        counts[language] = {
            "tatoeba": len(tatoeba[language]),
            "without_heldout": len(training[language]),
            "thinned": len(thinned),
            "passed_overlap_rule": len(held[language]),
            "ntrex": len(news[language]),
        }
        training[language] = thinned
    click.echo(json.dumps(counts, indent=1))

    def texts() -> Iterator[str]:
        seen: set[str] = set()
        for language in settings.languages:
            for english, other in [*training[language], *news[language]]:
                if english not in seen:
                    seen.add(english)
                    yield target_text(english)
                repeat = settings.tokenizer.marathi_repeat if language == "mar_Deva" else 1
                yield from [target_text(other)] * repeat

    tokenizer = train_tokenizer(texts(), settings)
    tokenizer.save(str(work / "tokenizer.json"))
    for language in settings.languages:
        for name, pairs in (("tatoeba", training[language]), ("ntrex", news[language])):
            arrays = tokenised(pairs, tokenizer, settings.data.max_tokens)
            save_file(arrays, work / f"{name}.{language}.safetensors")
            counts[language][f"{name}_tokens"] = len(arrays["other.target"])
            counts[language][f"{name}_rows"] = len(arrays["other.target.ends"])
    (work / "counts.json").write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(counts, indent=1))


if __name__ == "__main__":
    main()
