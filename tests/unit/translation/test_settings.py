"""Every setting of a translation and of its model changes the corpus, or must not change it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from qa_parallel import hub
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage.corpus import Stats, read_corpus
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings
from qa_parallel.translation.settings import TranslateSettings
from qa_parallel.translation.stage import translate
from tests.settings_felt import Felt, Outcome, To
from tests.tiny_models import SENTENCES

ROWS = 8
RAY = "tests/integration/test_ray.py"
CLUSTER = "tests/unit/translation/test_cluster.py"
ENGINE = "tests/unit/translation/decoding/test_engine.py"
LISTS = "tests/integration/test_restrict_vocabulary.py"


class Counting:
    """A reporter that counts the windows of each language."""

    def __init__(self) -> None:
        self.units = 0

    def start(self, *_: object) -> None: ...

    def begin(self, *_: object) -> None: ...

    def batch(self, *_: object) -> None: ...

    def finish(self) -> None: ...

    def unit(self, language: str, stats: Stats, resumed: bool) -> None:
        self.units += 1


@pytest.fixture(scope="module")
def translation(tmp_path_factory: pytest.TempPathFactory) -> Felt:
    scratch = tmp_path_factory.mktemp("translated")
    source = scratch / "qa.jsonl"
    records = [
        {"id": f"r{n}", "question": f"Where did the cat sit in {1990 + n}?", "answer": "the mat",
         "passage": f"{SENTENCES[n % 7]} It was {n} o'clock. {SENTENCES[(n + 2) % 7]}"}
        for n in range(ROWS)
    ]  # fmt: skip
    source.write_text("".join(json.dumps(one) + "\n" for one in records))
    numbers = itertools.count()

    def run(settings: TranslateSettings) -> Outcome:
        """Each with a cache of its own: nothing is known from another run."""
        home = scratch / str(next(numbers))
        model = ModelSettings(model="demo", cache=home / "cache")
        reporter = Counting()
        translate(SourceSettings(source=str(source)), model, settings, home / "out", reporter)
        frame = read_corpus(home / "out")
        german = frame.filter(language="deu_Latn")
        return {
            "languages": frame["language"].unique().sort().to_list(),
            "german": german.select("question", "answer", "passage").write_json(),
            "flags": german["flags"].to_list(),
            "files": [path.name for path in sorted((home / "out" / "data").rglob("*.parquet"))],
            "windows": reporter.units,
        }

    base = {"to": "de", "beam": 1, "compute_type": "float32", "threads": 1, "device": "cpu"}
    german = ("german",)
    return Felt(
        TranslateSettings,
        run,
        base,
        {
            "to": To("de,fr", parts=("languages",), same=german),
            "beam": To(4, parts=german, same=("files",)),
            "length_penalty": To(0.0, {"beam": 4}, parts=german),
            "compute_type": To("int8", parts=german),
            "window_rows": To(3, parts=("windows",), same=(*german, "flags")),
            "shard_rows": To(4, {"window_rows": 2}, parts=("files",), same=("german", "windows")),
        },
        {
            "device": To("auto"),
            "device_index": To((1,)),
            "batch_tokens": To(64),
            "threads": To(2),
        },
        {
            "guards": f"{ENGINE}::test_without_guards_nothing_is_decoded_twice",
            "restrict_vocabulary": f"{LISTS}::test_with_the_text_of_an_earlier_corpus",
            "engine": f"{RAY}::test_a_cluster_that_loses_an_actor_gives_the_same_corpus",
            "ray_address": f"{CLUSTER}::test_the_cluster_that_is_named_is_asked",
            "ray_actors": f"{CLUSTER}::test_share",
        },
    )


@pytest.mark.parametrize("field", TranslateSettings.model_fields)
def test_every_setting_of_a_translation_is_felt(translation: Felt, field: str) -> None:
    translation.judge(field)


@pytest.fixture(scope="module")
def model(tiny_nllb: Path, tiny_m2m: Path, tmp_path_factory: pytest.TempPathFactory) -> Felt:
    scratch = tmp_path_factory.mktemp("models")

    def run(settings: ModelSettings) -> Outcome:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ctranslate2.get_cuda_device_count", lambda: 0)
            patch.setattr(hub, "locate", lambda name, revision: hub.Commit(
                name, f"commit of {revision}", ctranslate2=False
            ))  # fmt: skip
            patch.setattr(hub, "download", lambda *_, **__: tiny_nllb)
            found = resolve(settings)
        return {
            "family": found.family.name,
            "revision": found.revision,
            "digest": found.digest,
            "home": found.path.parents[2],
        }

    base = {"model": str(tiny_nllb), "cache": scratch / "cache", "device": "cpu"}
    return Felt(
        ModelSettings,
        run,
        base,
        {
            "model": To(str(tiny_m2m), parts=("family", "digest")),
            "revision": To("v1", {"model": "org/tiny"}, parts=("revision",), same=("digest",)),
            "quantization": To("float32", parts=("digest",), same=("family",)),
            "cache": To(scratch / "other", parts=("home",), same=("digest",)),
        },
        {"device": To("auto"), "trust_remote_code": To(True)},
    )


@pytest.mark.parametrize("field", ModelSettings.model_fields)
def test_every_setting_of_a_model_is_felt(model: Felt, field: str) -> None:
    model.judge(field)
