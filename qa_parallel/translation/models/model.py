"""Find a translation model, by name or folder, and make it ready for CTranslate2."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from qa_parallel import hub
from qa_parallel.errors import LanguageError, ModelError
from qa_parallel.language_codes import LANGUAGES, nearest
from qa_parallel.places import DEMO, Place, is_file
from qa_parallel.storage.cache import cache_folder
from qa_parallel.translation.models import conversion, families, inspection
from qa_parallel.translation.models.families import Family
from qa_parallel.translation.models.settings import ModelSettings, Quantization
from qa_parallel.translation.models.tokenizer import FILES, Tokenizer

# Of the sentences that it was trained on, those of NTREX-128 are under the stricter licence.
_DEMO_LICENSE = "cc-by-sa-4.0"
# Tokens; few of the sentences that it was trained on are longer.
_DEMO_SENTENCE = 64


@dataclass(frozen=True)
class Model:
    """A CTranslate2 model on disk that is known to understand its languages.

    Attributes
    ----------
    path:
        Folder to give to `ctranslate2.Translator`.
    name:
        Hub id, "demo", or the name of the local folder.
    revision:
        Commit on the Hub; None for a local model.
    digest:
        SHA-256, in hexadecimal, of weights, vocabulary and tokenizer: equal for equal models.
    family:
        What kind of model it is: NLLB-200 or M2M-100.
    languages:
        NLLB codes of the languages that have a token in the vocabulary.
    words:
        How many tokens the vocabulary has: 256,206 for NLLB-200.
    license:
        Licence of the weights as the Hub writes it, "cc-by-nc-4.0"; None = unknown.
    max_positions:
        Most tokens of one text, language and end tokens counted; CTranslate2 refuses more.
    max_sentence:
        Tokens from which quality falls, though the model takes more: longer texts are better cut.
        About 200 for NLLB-200.
    demonstration:
        Whether this is the small built-in model, whose translations are for trying out only.
    """

    path: Path
    name: str
    revision: str | None
    digest: str
    family: Family
    languages: tuple[str, ...]
    words: int
    license: str | None
    max_positions: int
    max_sentence: int
    demonstration: bool = False

    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer.

        Raises
        ------
        ModelError
            It is missing, broken, or belongs to another model.
        """
        return _tokenizer(self)

    def token(self, language: str) -> str:
        """The token of an NLLB code: "deu_Latn" or, in M2M-100, "__de__".

        Raises
        ------
        LanguageError
            The model does not know the language.
        """
        self.require([language])
        return str(self.family.token(language))

    def wrap(self, tokens: Sequence[str], source: str, target: str) -> tuple[list[str], list[str]]:
        """What the encoder reads of a text's tokens, and what the decoder is forced to begin with.

        Languages are NLLB codes; LanguageError for one that the model does not know.
        """
        return self.family.wrap(tokens, self.token(source), self.token(target))

    def require(self, languages: Iterable[str]) -> None:
        """Nothing, where the model knows all these NLLB codes.

        Raises
        ------
        LanguageError
            It does not know one; the message lists what it knows that comes near.
        """
        for code in languages:
            if code in self.languages:
                continue
            known = self.languages if len(self.languages) <= 12 else _near(code, self.languages)
            raise LanguageError(
                f"expected a language of the model {self.name}, which knows "
                f"{len(self.languages)}, found {LANGUAGES.get(code, code)}",
                f"choose from {', '.join(str(LANGUAGES[one]) for one in known)}" if known else "",
            )


def resolve(settings: ModelSettings) -> Model:
    """The model that `settings` name; downloaded and converted where that is still to be done.

    Weights are read from safetensors or CTranslate2's own format, never from a pickle. A
    conversion is kept in the cache folder and found there the next time, also without a network.

    Raises
    ------
    ModelError
        No such model, not an NLLB or M2M-100 model, no safe weights, no tokenizer, or torch is
        needed for the conversion and missing.

    Examples
    --------
    >>> resolve(ModelSettings(model="demo")).demonstration  # doctest: +SKIP
    True
    """
    if settings.model == DEMO:
        return _demo()
    place = Place.of(settings.model)
    if place.is_folder:
        return _from_folder(settings, place.path.resolve())
    if not place.is_hub_id:
        raise ModelError(
            f"expected {DEMO!r}, a folder or a Hub id, found {place}",
            "check the path; a Hub id looks like facebook/nllb-200-distilled-600M",
        )
    return _from_hub(settings)


def is_ready(settings: ModelSettings) -> bool:
    """Whether `resolve` would find the model without downloading or converting anything."""
    place = Place.of(settings.model)
    if settings.model == DEMO or is_file(place.path / "model.bin"):
        return True
    if place.is_folder:
        return any(_conversions(settings, _stamp(place.path.resolve())))
    return any(_conversions(settings))


def _demo() -> Model:
    folder = Path(str(files("qa_parallel").joinpath("demo", "ct2")))
    if not (folder / "model.bin").is_file():
        raise ModelError(
            f"expected the demonstration model in {folder}, found nothing",
            "install qa-parallel again, or name another model",
        )
    model = _read(folder, DEMO, None, None, demonstration=True)
    return replace(model, license=_DEMO_LICENSE, max_sentence=_DEMO_SENTENCE)


def _from_folder(settings: ModelSettings, folder: Path) -> Model:
    cache = cache_folder(settings.cache)
    if settings.revision is not None:
        raise ModelError(
            f"expected no revision beside the folder {folder}, found {settings.revision!r}",
            "a revision belongs to a Hub id",
        )
    if (folder / "model.bin").is_file():
        return _read(folder, folder.name, None, cache)
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"expected a model in {folder}, found neither model.bin nor config.json",
            "give the folder that holds the model's files",
        )
    family = conversion.check_source(folder)
    return _convert(settings, family, folder.name, None, _stamp(folder), folder)


def _stamp(folder: Path) -> str:
    """What the name of a conversion says of the folder that it was made from."""
    inputs = "\n".join([str(folder), *inspection.stamps(sorted(folder.iterdir()))])
    return hashlib.sha256(inputs.encode()).hexdigest()[:12]


def _from_hub(settings: ModelSettings) -> Model:
    name, cache = settings.model, cache_folder(settings.cache)
    try:
        commit = hub.locate(name, settings.revision)
    except hub.Unreachable:
        for made, revision in _conversions(settings):
            return _read(made, name, revision, cache)
        folder = hub.downloaded(name, settings.revision)
        if folder is None or not (folder / "model.bin").is_file():
            raise
        return _read(folder, name, folder.name, cache)
    if commit.ctranslate2:
        return _read(hub.download(commit, FILES), name, commit.revision, cache)
    family = (  # before gigabytes are downloaded, where the Hub tells
        families.of_config({"model_type": commit.kind}, name)
        if commit.kind is not None
        else conversion.check_source(hub.download(commit, FILES))
    )
    return _convert(settings, family, name, commit.revision, commit.revision[:12], commit)


def _conversions(settings: ModelSettings, key: str = "") -> Iterator[tuple[Path, str]]:
    """Finished conversions of a model as `settings` ask for it, with their revisions.

    `key`: what the names of their folders begin with.
    """
    known = {one.name: one for one in families.FAMILIES}
    for marker in sorted(_home(settings).glob(f"{key}*/{conversion.MARKER}")):
        if not conversion.is_complete(marker.parent):
            continue
        record = conversion.read_json(marker)
        family = known.get(record["family"])
        if family is None or record["requested"] != settings.revision:
            continue
        if record["quantization"] == _quantization(settings, family):
            yield marker.parent, record["revision"]


def _convert(
    settings: ModelSettings,
    family: Family,
    name: str,
    revision: str | None,
    key: str,
    source: Path | hub.Commit,
) -> Model:
    quantization = _quantization(settings, family)

    def fetch() -> Path:
        return source if isinstance(source, Path) else hub.download(source, FILES)

    def check(folder: Path) -> dict[str, object]:
        model = _read(folder, name, revision, None)
        _self_test(model)
        return {
            "source": name,
            "requested": settings.revision,
            "revision": revision,
            "digest": model.digest,
            "family": model.family.name,
            "languages": model.languages,
            "license": _license(fetch(), name, model.family),
        }

    target = conversion.converted(
        _home(settings) / f"{key}-{quantization}",
        fetch,
        quantization,
        check,
    )
    return _read(target, name, revision, cache_folder(settings.cache))


def _read(
    folder: Path, name: str, revision: str | None, cache: Path | None, demonstration: bool = False
) -> Model:
    """Look into a CTranslate2 folder. `cache`: where to keep the digest; None = nowhere."""
    positions = inspection.positions(folder / "model.bin")
    vocabulary = inspection.vocabulary(folder)
    tokens = frozenset(vocabulary)
    family = families.of_vocabulary(tokens, str(folder))
    model = Model(
        path=folder,
        name=name,
        revision=revision,
        digest=inspection.digest(folder, cache),
        family=family,
        languages=tuple(family.languages(tokens)),
        words=len(vocabulary),
        license=_license(folder, name, family),
        max_positions=positions,
        max_sentence=family.max_sentence,
        demonstration=demonstration,
    )
    model.tokenizer()  # better now than after an hour of reading data
    return model


@lru_cache(maxsize=2)
def _tokenizer(model: Model) -> Tokenizer:
    vocabulary = inspection.vocabulary(model.path)
    return Tokenizer(model.path, vocabulary, model.family.controls(vocabulary))


def _self_test(model: Model) -> None:
    """ModelError unless the target language changes the output."""
    english = "eng_Latn" if "eng_Latn" in model.languages else model.languages[0]
    one, other = model.languages[0], model.languages[-1]
    (tokens,) = model.tokenizer().encode_batch(["The cat sat on the mat."])
    wrapped = [model.wrap(tokens, english, target) for target in (one, other)]
    if not conversion.steers(model.path, tokens, wrapped):
        raise ModelError(
            f"expected {model.name} to answer {one} and {other} differently, found no difference",
            "the conversion is broken, or the model was not trained with language tokens",
        )


def _near(code: str, known: Iterable[str]) -> list[str]:
    if code in LANGUAGES:
        return nearest(LANGUAGES[code].name, known, 5) or nearest(code, known, 5)
    return nearest(code, known, 5)


def _license(folder: Path, name: str, family: Family) -> str | None:
    """From the conversion's marker, the front matter of the model card, or the family."""
    marker, card = folder / conversion.MARKER, folder / "README.md"
    if marker.is_file():
        license = conversion.read_json(marker).get("license")
        return None if license is None else str(license)
    if card.is_file():
        text = card.read_text("utf-8", "replace")
        front = re.match(r"---\s*\n(.*?)\n---", text, re.DOTALL)
        entry = front and re.search(r"^license:\s*[\"']?([\w.-]+)", front[1], re.MULTILINE)
        if entry:
            return entry[1]
    return family.license(name)


def _home(settings: ModelSettings) -> Path:
    """Where the conversions of one model are kept."""
    place = Place.of(settings.model)
    name = place.text if place.is_hub_id else place.path.name
    return cache_folder(settings.cache) / "models" / re.sub(r"[^\w.-]+", "--", name)


def _quantization(settings: ModelSettings, family: Family) -> Quantization:
    if settings.quantization is not None:
        return settings.quantization
    if settings.device == "auto":
        import ctranslate2

        return family.precision("cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu")
    return family.precision(settings.device)
