"""Every setting of publishing changes what is sent, or where."""

from __future__ import annotations

import pytest

from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.leakage.settings import LeakageSettings
from qa_parallel.leakage.stage import check_leakage
from qa_parallel.publishing.settings import PublishSettings
from qa_parallel.publishing.stage import prepare, publish
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from qa_parallel.storage import folders, store
from tests.fake_hub import FakeHub, connect, digest
from tests.settings_felt import Felt, Outcome, To
from tests.translated_corpus import translated


@pytest.fixture(scope="module")
def publishing(tmp_path_factory: pytest.TempPathFactory) -> Felt:
    home = tmp_path_factory.mktemp("published")
    corpus = translated(home / "corpus")
    source = SourceSettings(source=str(corpus))
    (home / "known.jsonl").write_text('{"id": "1", "question": "Who hid the brass key?"}\n')
    known = [EvalSettings(name="known", path=str(home / "known.jsonl"))]
    check_leakage(source, known, LeakageSettings(), home / "check")
    settings = BatchSettings(batch_size=2, steps=2, validation=0, positive="passage")
    build_batches([source], settings, home / "plan")
    row = {"dataset": "known", "encoder": "tiny", "setting": "monolingual", "measure": "map",
           "query_language": None, "candidate_language": None, "value": 0.321, "queries": 9,
           "strategy": None, "seed": None, "signature": "s"}  # fmt: skip
    store.write_json(home / "results" / "results.json", {"results": [row]})
    store.write_json(home / "results" / folders.MANIFEST, {})

    def run(settings: PublishSettings) -> Outcome:
        publication = prepare(corpus, settings)
        with FakeHub() as hub, pytest.MonkeyPatch.context() as patch:
            connect(hub, patch)
            publish(publication, wait=lambda _: None)
            repo = hub.repos[settings.repo]
        main = repo.files("main")
        return {
            "repo": sorted(hub.repos),
            "private": repo.private,
            "tags": sorted(repo.tags),
            "main": {name: digest(data) for name, data in main.items()},
            "pulled": sorted(repo.refs),
            "card": publication.card,
            "batches": any(name.startswith("batches/") for name in main),
            "told": publication.operations,
        }

    return Felt(
        PublishSettings,
        run,
        {"repo": "org/corpus"},
        {
            "repo": To("org/other", parts=("repo", "told"), same=("private", "batches")),
            "license": To("cc-by-nc-sa-4.0", parts=("card",), same=("batches", "private")),
            "private": To(True, parts=("private", "told"), same=("card",)),
            "tag": To("v1.0", parts=("tags", "told"), same=("main",)),
            "pr": To(True, parts=("pulled", "main", "told"), same=("card",)),
            "plan": To(home / "plan", parts=("batches", "main")),
            "leakage": To((home / "check",), parts=("card",), same=("batches",)),
            "evaluation": To(home / "results", parts=("card",), same=("batches",)),
        },
    )


@pytest.mark.parametrize("field", PublishSettings.model_fields)
def test_every_setting_is_felt(publishing: Felt, field: str) -> None:
    publishing.judge(field)
