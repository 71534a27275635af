"""Finding, converting and understanding models, against the tokenizers of transformers."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qa_parallel import hub
from qa_parallel.errors import LanguageError, ModelError
from qa_parallel.translation.models import conversion, inspection
from qa_parallel.translation.models.model import Model, resolve
from qa_parallel.translation.models.settings import ModelSettings

TEXTS = [
    "The cat sat on the mat.",
    "  Two  spaces, and a dog at the end ",
    "Un chien courait dans le parc.",
    "猫坐在垫子上。",
    "Ωmega 🙂 zebra, unknown letters: ждать",
    "",
    "...",
]
HOSTILE = ["", " ", "\0", "a\0b", "🙂" * 50, "\ud800 cat", "x" * 100_000, "cat " * 25_000, "\u2028"]
NLLB = ("deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def settings(model: Path | str, cache: Path, **more: Any) -> ModelSettings:
    more.setdefault("quantization", "float32")
    return ModelSettings(model=str(model), cache=cache, device="cpu", **more)


@pytest.fixture(scope="session")
def nllb(tiny_nllb: Path, cache: Path) -> Model:
    return resolve(settings(tiny_nllb, cache))


@pytest.fixture(scope="session")
def m2m(tiny_m2m: Path, cache: Path) -> Model:
    return resolve(settings(tiny_m2m, cache))


@pytest.fixture(scope="session")
def models(nllb: Model, m2m: Model) -> dict[str, Model]:
    return {"nllb": nllb, "m2m100": m2m}


@pytest.fixture(scope="session")
def oracles(tiny_nllb: Path, tiny_m2m: Path) -> dict[str, Any]:
    """transformers' tokenizers, which share no code with ours."""
    from transformers import AutoTokenizer

    folders = {"nllb": tiny_nllb, "m2m100": tiny_m2m}
    return {scheme: AutoTokenizer.from_pretrained(folder) for scheme, folder in folders.items()}


SCHEMES = pytest.mark.parametrize("scheme", ["nllb", "m2m100"])


# --- what a model says of itself


def test_nllb(nllb: Model) -> None:
    assert (nllb.family.name, nllb.languages, nllb.max_positions) == ("nllb", NLLB, 64)
    assert nllb.license == "cc-by-nc-4.0"  # by its name
    assert nllb.name == "tiny-nllb-200"
    assert nllb.revision is None
    assert not nllb.demonstration
    assert nllb.token("fra_Latn") == "fra_Latn"
    nllb.require(["deu_Latn", "zho_Hans"])
    with pytest.raises(LanguageError, match=r"found mar_Deva \(Marathi\).*choose.*fra_Latn"):
        nllb.require(["deu_Latn", "mar_Deva"])


def test_m2m(m2m: Model) -> None:
    assert m2m.family.name == "m2m100"
    assert len(m2m.languages) == 98
    assert m2m.token("zho_Hans") == "__zh__"
    with pytest.raises(LanguageError, match=r"quy_Latn \(Ayacucho Quechua\)"):
        m2m.token("quy_Latn")
    with pytest.raises(LanguageError, match="zho_Hans"):
        m2m.require(["zho_Hant"])
    with pytest.raises(LanguageError):
        m2m.require(["no_such"])


# --- conversion: the vocabulary and the weights, against transformers


@SCHEMES
def test_vocabulary_has_the_ids_of_the_source(
    scheme: str, models: dict[str, Model], oracles: dict[str, Any]
) -> None:
    vocabulary = inspection.vocabulary(models[scheme].path)
    oracle = oracles[scheme]
    for code in models[scheme].languages:
        token = models[scheme].token(code)
        assert vocabulary.index(token) == oracle.convert_tokens_to_ids(token)
    for token in ("<s>", "</s>", "<unk>", "▁The", "."):
        assert vocabulary.index(token) == oracle.convert_tokens_to_ids(token)


@SCHEMES
def test_scores_are_those_of_transformers(
    scheme: str,
    models: dict[str, Model],
    oracles: dict[str, Any],
    tiny_nllb: Path,
    tiny_m2m: Path,
) -> None:
    import ctranslate2
    import torch
    from transformers import M2M100ForConditionalGeneration

    model, oracle = models[scheme], oracles[scheme]
    tokenizer = model.tokenizer()
    tokens, french = tokenizer.encode_batch([TEXTS[0], "Le chat est"])
    source, prefix = model.wrap(tokens, "eng_Latn", "fra_Latn")
    target = prefix + french
    translator = ctranslate2.Translator(str(model.path), compute_type="float32")
    ours = translator.score_batch([source], [target])[0].log_probs

    folder = tiny_nllb if scheme == "nllb" else tiny_m2m
    theirs: Any = M2M100ForConditionalGeneration.from_pretrained(folder)
    theirs.eval()
    ids = oracle.convert_tokens_to_ids(target)
    with torch.no_grad():
        logits = theirs(
            input_ids=oracle(TEXTS[0], return_tensors="pt").input_ids,
            decoder_input_ids=torch.tensor([[2, *ids]]),
        ).logits[0]
    expected = logits.log_softmax(-1)[range(len(ids) + 1), [*ids, 2]]
    assert ours == pytest.approx(expected.tolist(), abs=1e-4)


def test_second_call_finds_the_conversion(
    nllb: Model, tiny_nllb: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "_convert", lambda *_: pytest.fail("converted again"))
    assert resolve(settings(tiny_nllb, cache)) == nllb
    marker = json.loads((nllb.path / conversion.MARKER).read_text())
    assert marker["digest"] == nllb.digest
    assert marker["languages"] == list(NLLB)
    assert marker["versions"].keys() == {"qa-parallel", "ctranslate2", "transformers", "torch"}


def test_changed_source_is_converted_anew(tiny_nllb: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_nllb, tmp_path / "model")
    first = resolve(settings(folder, tmp_path / "cache"))
    assert resolve(settings(folder, tmp_path / "cache")) == first
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    again = resolve(settings(folder, tmp_path / "cache"))
    assert again.path != first.path
    assert (again.license, again.digest) == ("mit", first.digest)


def test_default_quantization_is_by_device(tiny_nllb: Path, cache: Path, nllb: Model) -> None:
    small = resolve(settings(tiny_nllb, cache, quantization=None))
    assert small.path.name.endswith("-int8")
    assert small.digest != nllb.digest


def test_interrupted_conversion_leaves_nothing_and_is_made_again(
    tiny_nllb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(conversion, "steers", fail)
        with pytest.raises(KeyboardInterrupt):
            resolve(settings(tiny_nllb, tmp_path))
    assert not list(tmp_path.rglob("model.bin"))
    # What a killed process leaves behind goes too.
    home = tmp_path / "models" / tiny_nllb.name
    key = next(home.glob(".*.lock")).name.removeprefix(".").removesuffix(".lock")
    (home / f".{key}.part-999").mkdir()
    (home / key).mkdir()  # without a marker: not a conversion
    assert resolve(settings(tiny_nllb, tmp_path)).path == home / key
    assert not list(home.glob("*.part-*")) + list(home.glob(".*.part-*"))


def test_converters_at_once(
    tiny_nllb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, results = [], []
    convert = conversion._convert

    def counted(*args: Any) -> None:
        runs.append(args)
        convert(*args)

    monkeypatch.setattr(conversion, "_convert", counted)
    threads = [
        threading.Thread(target=lambda: results.append(resolve(settings(tiny_nllb, tmp_path))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1
    assert len(results) == 3
    assert len(set(results)) == 1


def test_a_model_that_ignores_the_language_is_refused(tiny_nllb: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_nllb, tmp_path / "deaf")
    weights = load_file(folder / "model.safetensors")
    embeddings = weights["model.shared.weight"]
    # Two languages that look the same, as two unknown tokens would.
    tokens = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    ids = [token["id"] for token in tokens if token["content"] in NLLB]
    embeddings[ids] = embeddings[ids[0]].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="differently"):
        resolve(settings(folder, tmp_path / "cache"))


def test_languages_missing_from_the_tokenizer_config_are_not_invented(
    tiny_nllb: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_nllb, tmp_path / "model")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["additional_special_tokens"]  # transformers then adds all 202
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert resolve(settings(folder, tmp_path / "cache")).languages == NLLB


# --- the tokenizer, token by token


@SCHEMES
def test_encodes_like_transformers(
    scheme: str, models: dict[str, Model], oracles: dict[str, Any]
) -> None:
    tokenizer, oracle = models[scheme].tokenizer(), oracles[scheme]
    encoded = tokenizer.encode_batch(TEXTS)
    for text, tokens in zip(TEXTS, encoded, strict=True):
        ids = oracle(text).input_ids
        source, prefix = models[scheme].wrap(tokens, "eng_Latn", "fra_Latn")
        assert source == oracle.convert_ids_to_tokens(ids)
        assert prefix == [models[scheme].token("fra_Latn")]
    assert any(tokenizer.unk in tokens for tokens in encoded)


@SCHEMES
def test_decodes_like_transformers(
    scheme: str, models: dict[str, Model], oracles: dict[str, Any]
) -> None:
    tokenizer, oracle = models[scheme].tokenizer(), oracles[scheme]
    encoded = [tokens for tokens in tokenizer.encode_batch(TEXTS) if tokenizer.unk not in tokens]
    assert len(encoded) > 3
    french = models[scheme].token("fra_Latn")
    wrapped = [[french, *tokens, tokenizer.eos] for tokens in encoded]
    # Without the language: M2M100Tokenizer of transformers 5 would leave it in the text.
    expected = [
        oracle.decode(
            oracle.convert_tokens_to_ids(tokens[1:]),
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )
        for tokens in wrapped
    ]
    assert tokenizer.decode_batch(wrapped) == expected
    assert tokenizer.decode_batch([]) == []


@SCHEMES
def test_unknown_pieces_stay_visible(scheme: str, models: dict[str, Model]) -> None:
    tokenizer = models[scheme].tokenizer()
    (text,) = tokenizer.decode_batch([["▁The", "▁cat", "<unk>", "▁sat", "<pad>", "</s>"]])
    assert text.startswith("The cat<unk>")
    assert text.endswith("sat")


@SCHEMES
def test_names_of_special_tokens_in_text_are_text(scheme: str, models: dict[str, Model]) -> None:
    tokenizer = models[scheme].tokenizer()
    special = ["</s>", "<s>", "<pad>", "<mask>", "deu_Latn", "eng_Latn", "__de__", "__en__"]
    batch = [*special, *(f"The {name} cat" for name in special), "The" + "".join(special)]
    for tokens in tokenizer.encode_batch(batch):
        assert not {*special} & {*tokens}


@SCHEMES
def test_hostile_text_does_not_crash(scheme: str, models: dict[str, Model]) -> None:
    model = models[scheme]
    tokenizer = model.tokenizer()
    encoded = tokenizer.encode_batch(HOSTILE)
    vocabulary = set(inspection.vocabulary(model.path))
    assert len(encoded) == len(HOSTILE)
    assert all(token in vocabulary for tokens in encoded for token in tokens)
    assert encoded[0] == []
    assert len(encoded[7]) >= 25_000  # nothing cut off
    assert len(tokenizer.decode_batch(encoded)) == len(HOSTILE)
    assert tokenizer.encode_batch([]) == []


def test_limits_saved_in_the_file_do_not_cut_texts(nllb: Model, tmp_path: Path) -> None:
    folder = shutil.copytree(nllb.path, tmp_path / "model")
    saved = json.loads((folder / "tokenizer.json").read_text())
    saved["truncation"] = {
        "max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"
    }  # fmt: skip
    saved["padding"] = {
        "strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>",
    }  # fmt: skip
    for token in saved["added_tokens"]:
        token["special"] = False  # as add_tokens saves them
    (folder / "tokenizer.json").write_text(json.dumps(saved))
    other = resolve(settings(folder, tmp_path)).tokenizer()
    texts = [*TEXTS, "deu_Latn </s>"]
    assert other.encode_batch(texts) == nllb.tokenizer().encode_batch(texts)


# --- folders


def test_converted_folder_needs_neither_torch_nor_transformers(
    m2m: Model, nllb: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    for model in (m2m, nllb):
        folder = shutil.copytree(model.path, tmp_path / model.name)
        (folder / conversion.MARKER).unlink()
        other = resolve(settings(folder, tmp_path / "cache"))
        assert (other.digest, other.languages) == (model.digest, model.languages)
        assert other.tokenizer().encode_batch(TEXTS) == model.tokenizer().encode_batch(TEXTS)


def test_missing_torch_names_the_extra(
    tiny_nllb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r'pip install "qa-parallel\[convert\]"'):
        resolve(settings(tiny_nllb, tmp_path))


def test_old_vocabulary_in_text(nllb: Model, tmp_path: Path) -> None:
    folder = shutil.copytree(nllb.path, tmp_path / "old")
    tokens = (*inspection.vocabulary(folder)[:-1], "a\u2028b\x85")  # no ends of lines
    (folder / "shared_vocabulary.json").unlink()
    (folder / "shared_vocabulary.txt").write_text("\n".join(tokens) + "\n", "utf-8")
    assert inspection.vocabulary(folder) == tokens
    assert resolve(settings(folder, tmp_path)).languages == NLLB


def test_nllb_with_sentencepiece_only(m2m: Model, tmp_path: Path) -> None:
    folder = shutil.copytree(m2m.path, tmp_path / "model")
    names = {m2m.token(code): code for code in m2m.languages}
    vocabulary = [names.get(token, token) for token in inspection.vocabulary(folder)]
    (folder / "shared_vocabulary.json").write_text(json.dumps(vocabulary))
    (folder / "vocab.json").unlink()
    model = resolve(settings(folder, tmp_path))
    assert (model.family.name, model.languages) == ("nllb", m2m.languages)
    tokenizer = model.tokenizer()
    assert tokenizer.encode_batch(TEXTS) == m2m.tokenizer().encode_batch(TEXTS)
    source, _ = model.wrap(["▁The"], "swh_Latn", "fra_Latn")
    assert source == ["swh_Latn", "▁The", "</s>"]


def test_license_of_the_model_card(tiny_m2m: Path, m2m: Model, tmp_path: Path) -> None:
    assert m2m.license == "mit"
    folder = shutil.copytree(m2m.path, tmp_path / "model")
    (folder / conversion.MARKER).unlink()
    assert resolve(settings(folder, tmp_path)).license is None
    (folder / "README.md").write_text("---\nlanguage: [en]\nlicense: cc-by-4.0\n---\n# M\n")
    assert resolve(settings(folder, tmp_path)).license == "cc-by-4.0"


def test_large_digest_is_remembered_until_a_file_changes(
    nllb: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_LARGE", 1)
    folder = shutil.copytree(nllb.path, tmp_path / "model")
    first = inspection.digest(folder, tmp_path)
    assert first == nllb.digest
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
        assert inspection.digest(folder, tmp_path) == first
    with (folder / "model.bin").open("ab") as file:
        file.write(b"!")
    assert inspection.digest(folder, tmp_path) != first


def broken(folder: Path, how: str) -> None:
    """Make of a good folder one that is wrong in one respect."""
    config, weights = folder / "config.json", folder / "model.safetensors"
    if how == "other architecture":
        config.write_text('{"model_type": "t5"}')
    elif how == "no type":
        config.write_text("{}")
    elif how == "bad config":
        config.write_text("{")
    elif how == "list config":
        config.write_text("[]")
    elif how == "no config":
        config.unlink()
    elif how == "pickle":
        weights.rename(folder / "pytorch_model.bin")
    elif how == "no weights":
        weights.unlink()
    elif how == "cut weights":
        weights.write_bytes(weights.read_bytes()[:500])
    elif how == "lost shard":
        weights.rename(folder / "model-00001-of-00002.safetensors")
    elif how == "lost weights":
        from safetensors.torch import load_file, save_file

        kept = {name: t for name, t in load_file(weights).items() if "fc1" not in name}
        save_file(kept, weights, metadata={"format": "pt"})
    elif how == "no tokenizer":
        (folder / "tokenizer.json").unlink()
    elif how == "bad tokenizer":
        (folder / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("other architecture", "m2m_100.*found t5"),
        ("no type", "m2m_100.*found no type"),
        ("bad config", "JSON object"),
        ("list config", "found a list"),
        ("no config", "neither model.bin nor config.json"),
        ("pickle", "found pytorch_model.bin; pickles are never"),
        ("no weights", "found no weights"),
        ("cut weights", "cannot convert"),
        ("lost shard", "cannot convert"),
        ("lost weights", "4 weights are missing"),
        ("no tokenizer", "expected a tokenizer"),
        ("bad tokenizer", "tokenizer"),
    ],
)
def test_broken_source(tiny_nllb: Path, tmp_path: Path, how: str, message: str) -> None:
    folder = shutil.copytree(tiny_nllb, tmp_path / "model")
    broken(folder, how)
    with pytest.raises(ModelError, match=message):
        resolve(settings(folder, tmp_path / "cache"))
    assert not list((tmp_path / "cache").rglob("model.bin"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.bin", b"PK\x03\x04 a pickle in a zip", "translation model of CTranslate2"),
        ("model.bin", b"\x06\0\0\0\x10\0TransformerSpec\0\x07\0\0\0\xff\0\0\0", "complete model"),
        ("model.bin", b"\x06\0\0\0\x0c\0WhisperSpec\0", "found 'WhisperSpec'"),
        ("model.bin", b"", "complete model"),
        ("shared_vocabulary.json", b"[", "expected a vocabulary"),
        ("shared_vocabulary.json", b'["<unk>", "a"]', "language tokens"),
        ("shared_vocabulary.json", None, "expected shared_vocabulary.json"),
        ("tokenizer.json", None, "expected tokenizer.json"),
        ("tokenizer.json", b"{", "expected a tokenizer"),
    ],
)
def test_broken_conversion(
    nllb: Model, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    folder = shutil.copytree(nllb.path, tmp_path / "model")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        resolve(settings(folder, tmp_path))


def test_tokenizer_of_another_model(nllb: Model, m2m: Model, tmp_path: Path) -> None:
    folder = shutil.copytree(nllb.path, tmp_path / "model")
    shutil.copy(m2m.path / "sentencepiece.bpe.model", folder)
    (folder / "tokenizer.json").unlink()
    vocabulary = json.loads((folder / "shared_vocabulary.json").read_text())
    ordinary = [f"x{i}" if token[0] == "▁" else token for i, token in enumerate(vocabulary)]
    (folder / "shared_vocabulary.json").write_text(json.dumps(ordinary))
    with pytest.raises(ModelError, match="belongs to another model"):
        resolve(settings(folder, tmp_path))


def test_cache_that_cannot_be_written(tiny_nllb: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="set another cache folder"):
        resolve(settings(tiny_nllb, tmp_path / "file"))


@pytest.mark.parametrize("name", ["nllb", "./nowhere", "/no/such/folder", "a/b/c", "", "a b/c"])
def test_no_such_model(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError):
        resolve(settings(name, tmp_path))


def test_revision_of_a_folder_is_a_mistake(tiny_nllb: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="revision belongs to a Hub id"):
        resolve(settings(tiny_nllb, tmp_path, revision="main"))


def test_demo() -> None:
    model = resolve(ModelSettings(model="demo"))
    assert model.demonstration
    assert model.name == "demo"
    assert "eng_Latn" in model.languages
    tokenizer = model.tokenizer()
    (tokens,) = tokenizer.encode_batch(["The cat sat on the mat."])
    assert tokenizer.decode_batch([tokens]) == ["The cat sat on the mat."]


# --- the Hub, played by a folder of commits


@dataclass
class FakeHub:
    """Repositories as {revision: (commit, folder, author of the pull request or None)}."""

    commits: dict[str, tuple[str, Path, str | None]] = field(default_factory=dict)
    online: bool = True
    downloads: list[str] = field(default_factory=list)
    digest: str = "same"

    def _check(self) -> None:
        if not self.online:
            raise ConnectionError("no route to host")

    def model_info(self, repository: str, revision: str | None, files_metadata: bool) -> Any:
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        self._check()
        response: Any = SimpleNamespace(headers={}, request=None, status_code=404)
        if repository != "org/tiny-nllb":
            raise RepositoryNotFoundError("404", response=response)
        if (revision or "main") not in self.commits:
            raise RevisionNotFoundError("404", response=response)
        commit, folder, author = self.commits[revision or "main"]
        files = [
            SimpleNamespace(
                rfilename=path.name,
                lfs=SimpleNamespace(sha256="same" if author is None else self.digest)
                if path.name == "pytorch_model.bin"
                else None,
            )
            for path in folder.iterdir()
        ]
        return SimpleNamespace(sha=commit, siblings=files, config={"model_type": "m2m_100"})

    def get_repo_discussions(self, repository: str, **_: Any) -> Any:
        for revision, (_commit, _folder, author) in self.commits.items():
            if author is not None:
                yield SimpleNamespace(author=author, git_reference=revision)

    def snapshot_download(
        self, repository: str, *, revision: str | None, local_files_only: bool = False, **more: Any
    ) -> str:
        from huggingface_hub.errors import LocalEntryNotFoundError

        if local_files_only:
            raise LocalEntryNotFoundError("not there")
        self._check()
        patterns = more["allow_patterns"]
        assert "pytorch_model.bin" not in patterns
        assert not any(pattern.endswith("*.bin") for pattern in patterns)
        folders = {commit: folder for commit, folder, _ in self.commits.values()}
        self.downloads.append(str(revision))
        return str(folders[str(revision)])


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    import huggingface_hub

    fake = FakeHub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: fake)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot_download)
    return fake


@pytest.fixture
def pickled(tiny_nllb: Path, tmp_path: Path) -> Path:
    """The tiny model as facebook/nllb-200-distilled-600M has it on main."""
    folder = shutil.copytree(tiny_nllb, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    return folder


@pytest.fixture
def offered(tiny_nllb: Path, tmp_path: Path) -> Path:
    """The same in the pull request of the Hub's own converter."""
    folder = shutil.copytree(tiny_nllb, tmp_path / "offered")
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    return folder


MAIN, PULL, TAG = "a" * 40, "b" * 40, "c" * 40


def test_hub_model_with_safetensors(fake: FakeHub, tiny_nllb: Path, tmp_path: Path) -> None:
    fake.commits = {"main": (MAIN, tiny_nllb, None), "v1": (TAG, tiny_nllb, None)}
    model = resolve(settings("org/tiny-nllb", tmp_path))
    assert (model.name, model.revision) == ("org/tiny-nllb", MAIN)
    assert resolve(settings("org/tiny-nllb", tmp_path, revision="v1")).revision == TAG
    assert set(fake.downloads) == {MAIN, TAG}
    fake.downloads.clear()
    assert resolve(settings("org/tiny-nllb", tmp_path)) == model
    assert fake.downloads == []
    fake.online = False
    assert resolve(settings("org/tiny-nllb", tmp_path)) == model
    assert resolve(settings("org/tiny-nllb", tmp_path, revision="v1")).revision == TAG
    with pytest.raises(hub.Unreachable, match="cannot reach the Hub"):
        resolve(settings("org/tiny-nllb", tmp_path, quantization="int8"))


def test_hub_pickle_is_replaced_by_the_hubs_own_conversion(
    fake: FakeHub, pickled: Path, offered: Path, tmp_path: Path
) -> None:
    fake.commits = {"main": (MAIN, pickled, None), "refs/pr/7": (PULL, offered, "SFconvertbot")}
    assert resolve(settings("org/tiny-nllb", tmp_path)).revision == PULL
    assert set(fake.downloads) == {PULL}


@pytest.mark.parametrize("case", ["nobody", "a stranger", "other weights", "no weights"])
def test_hub_pickle_alone_is_refused(
    case: str, fake: FakeHub, pickled: Path, offered: Path, tmp_path: Path
) -> None:
    fake.commits = {"main": (MAIN, pickled, None)}
    if case != "nobody":
        author = "mallory" if case == "a stranger" else "SFconvertbot"
        fake.commits["refs/pr/7"] = (PULL, pickled if case == "no weights" else offered, author)
        fake.digest = "other" if case == "other weights" else "same"
    with pytest.raises(ModelError, match="pickles are never loaded"):
        resolve(settings("org/tiny-nllb", tmp_path))
    assert fake.downloads == []


def test_hub_conversion_is_taken_as_it_is(
    fake: FakeHub, nllb: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "_convert", lambda *_: pytest.fail("converted"))
    fake.commits = {"main": (MAIN, nllb.path, None)}
    model = resolve(settings("org/tiny-nllb", tmp_path))
    assert (model.revision, model.digest) == (MAIN, nllb.digest)


def test_hub_mistakes(fake: FakeHub, tiny_nllb: Path, tmp_path: Path) -> None:
    fake.commits = {"main": (MAIN, tiny_nllb, None)}
    with pytest.raises(ModelError, match="found no 'org/other' there"):
        resolve(settings("org/other", tmp_path))
    with pytest.raises(ModelError, match="found no 'v9'"):
        resolve(settings("org/tiny-nllb", tmp_path, revision="v9"))
    (tmp_path / "empty").mkdir()
    fake.commits = {"main": (MAIN, tmp_path / "empty", None)}
    with pytest.raises(ModelError, match="found no weights"):
        resolve(settings("org/tiny-nllb", tmp_path))
