"""Encoders that are known to need a prefix before a text, by their names."""

from __future__ import annotations

import re

# Name of a model, in the middle of a path or a Hub id → prefixes of question and passage, as its
# card has them; the first that fits counts. Those of one side alone have none on the other.
_NEEDED: tuple[tuple[str, str, str], ...] = (
    (r"e5-mistral|multilingual-e5-large-instruct|gte-qwen|qwen3-embedding|linq-embed|sfr-embedding",
     "Instruct: Given a question, retrieve passages that answer it\nQuery: ", ""),
    (r"e5", "query: ", "passage: "),
    (r"bge-m3", "", ""),
    (r"bge-.*zh", "为这个句子生成表示以用于检索相关文章：", ""),
    (r"bge|mxbai-embed", "Represent this sentence for searching relevant passages: ", ""),
    (r"arctic-embed-[lm]-v2", "query: ", ""),
    (r"arctic-embed", "Represent this sentence for searching relevant passages: ", ""),
    (r"nomic-embed|modernbert-embed", "search_query: ", "search_document: "),
    (r"embeddinggemma", "task: search result | query: ", "title: none | text: "),
    (r"instructor", "Represent the question for retrieving supporting documents: ",
     "Represent the document for retrieval: "),
)  # fmt: skip


def missing_prefixes(name: str, query: str | None, passage: str | None) -> str | None:
    """What to say of an encoder that is known to need prefixes; None where it has them.

    Parameters
    ----------
    name:
        Folder or Hub id.
    query, passage:
        The prefixes that it has, of whatever source; None or "" for none.

    Examples
    --------
    >>> print(missing_prefixes("intfloat/multilingual-e5-small", "", ""))
    multilingual-e5-small was trained with 'query: ' before questions and 'passage: ' before \
passages, and none is given: --query-prefix, --passage-prefix
    >>> missing_prefixes("intfloat/multilingual-e5-small", "query: ", "passage: ")
    >>> missing_prefixes("BAAI/bge-m3", "", "")
    """
    called = re.split(r"[\\/]", name.rstrip("\\/"))[-1]
    for pattern, asked, said in _NEEDED:
        if re.search(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", called.lower()):
            sides = [
                (prefix, side, option)
                for prefix, found, side, option in (
                    (asked, query, "questions", "--query-prefix"),
                    (said, passage, "passages", "--passage-prefix"),
                )
                if prefix and not found
            ]
            if not sides:
                return None
            wanted = " and ".join(f"{prefix!r} before {side}" for prefix, side, _ in sides)
            options = ", ".join(option for _, _, option in sides)
            return f"{called} was trained with {wanted}, and none is given: {options}"
    return None
