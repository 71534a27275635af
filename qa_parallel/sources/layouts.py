"""Which column of a record means what.

Layouts are a table of column names, not code: SQuAD, MLQA, XQuAD-R, TyDiQA-GoldP, AfriQA, QED's
Natural Questions, MS MARCO, DPR, FAQ sheets and query-passage pairs differ in their names. Data
sets whose names mislead, or whose questions lie deeper, are in `shapes`.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qa_parallel.errors import SourceError
from qa_parallel.sources.paths import (
    ALL,
    EACH,
    Path,
    columns_of,
    dig,
    inner_paths,
    leads_somewhere,
    opened,
    parse_path,
    path_words,
)
from qa_parallel.sources.shapes import (
    find_messages,
    find_nested,
    find_shape,
    language_keys,
    suggest,
)
from qa_parallel.sources.tables import folded
from qa_parallel.sources.values import TEXT_KEYS, is_reference, read_integer, read_texts

# field → names of columns, the first one present is taken; compared in lower case, `-` and space
# as `_`. A field without names is read only where the user names its column.
ALIASES: dict[str, tuple[str, ...]] = {
    "question": (
        "question",
        "question_text",  # QED, TyDiQA
        "question_translated",  # AfriQA, English
        "queries",  # MKQA, by language
        "query",  # MS MARCO, retrieval pairs
        "query_text",
        "raw_question",
        "rawquestion",  # WebQuestionsSP
        "anchor",  # sentence-transformers pairs
        "prompt",
        "q",
        "question_stem",  # OpenBookQA
    ),
    "answer": (
        "answer",
        "answers",  # SQuAD, MS MARCO
        "answer_text",  # QED
        "answer_pivot",  # AfriQA, English
        "short_answer",
        "response",
        "completion",
        "a",
        "correct_answer",
        "possible_answers",  # PopQA
        "answer_key",  # ARC, of whose choices it names one
        "answerkey",
        "cop",  # MedMCQA
        "correct_answer_num",  # Belebele
        "answer_idx",
        "correct_option",
    ),
    "passage": (
        "passage",
        "context",  # SQuAD
        "paragraph_text",  # QED
        "passage_text",
        "paragraph",
        "passages",  # MS MARCO: {"is_selected": [...], "passage_text": [...]}
        "positive",  # sentence-transformers pairs
        "positives",
        "positive_passages",  # Tevatron: [{"docid", "title", "text"}]
        "positive_ctxs",  # DPR
        "pos",  # FlagEmbedding
        "flores_passage",  # Belebele
        "article",  # RACE
        "support",  # SciQ
        "story",
        "document",
        "document_text",
        "text",
    ),
    # texts that do not belong to the question: candidates of an evaluation set
    "negatives": (
        "negative_passages",
        "hard_negative_ctxs",
        "hard_negatives",
        "negative_ctxs",
        "negatives",
        "negative",
        "neg",
    ),
    "id": ("id", "qa_id", "question_id", "qid", "query_id", "example_id", "_id", "questionid"),
    "title": ("title", "title_text", "document_title"),
    "answer_start": ("answer_start", "answer_spans"),
    "sentence_breaks": ("sentence_breaks",),  # LAReQA
    "unanswerable": ("is_impossible", "unanswerable"),
    # what an answer such as "B" or 2 names one of
    "choices": ("choices", "options"),
    "language": ("language", "lang", "dialect", "locale", "language_code", "lang_code"),
    "split": (),
    "license": ("license",),
}

# Data sets with questions in a language and in English side by side, AfriQA's passages and its
# queries: field → column in English, and in that language. Their passages are English alone.
BILINGUAL = (
    (
        {"question": "question_translated", "answer": "answer_pivot"},
        {"question": "question_lang", "answer": "answer_lang", "passage": ""},
    ),
    (
        {"question": "translated_question", "answer": "translated_answer"},
        {"question": "question", "answer": "answers"},
    ),
)
# no aliases where another language is asked for
ENGLISH_ONLY = frozenset(name for english, _ in BILINGUAL for name in english.values())

# A column a choice, as the first, second … of them are called
_CHOICES: tuple[str, ...] = (
    "{letter}",
    "op{letter}",
    "option_{letter}",
    "choice_{letter}",
    "option{number}",
)
_CHOICES += ("choice{number}", "option_{number}", "mc_answer{number}")
# Fields that hold texts that a person reads: of those, nothing may be lost in silence.
TEXTS = ("question", "answer", "passage")

HEAD = 100  # records looked at to tell the layout


@dataclass(frozen=True)
class Layout:
    """Where the fields of a record stand.

    Attributes
    ----------
    paths:
        Field → path; a field that is not here has no column.
    named:
        Fields whose columns the user named.
    keep:
        Further columns that are carried along, by the name that they get.
    choices:
        Columns that hold one choice each ("A" to "D"), where an answer names one of them.
    base:
        The number of the first choice, 0 or 1.
    messages:
        The column of a conversation's messages, which are to be made questions and answers.
    yes_no:
        Whether an answer that is true or false is "yes" or "no": in English.
    """

    paths: Mapping[str, Path]
    named: frozenset[str] = frozenset()
    keep: Mapping[str, Path] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    base: int = 0
    messages: str | None = None
    yes_no: bool = False

    def words(self, field: str) -> str:
        """The path of a field, as a person writes it; "" where there is none."""
        return path_words(self.paths[field]) if field in self.paths else ""

    def columns(self, left: Sequence[str] = ()) -> set[str]:
        """The columns that are read, besides those of the fields `left`."""
        used = [path for name, path in self.paths.items() if name not in left]
        found = set[str]().union(*map(columns_of, [*used, *self.keep.values()]))
        return found | set(self.choices)


def find_layout(
    head: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    language: str,
    where: str,
    keep: Sequence[str] = (),
    pivot: str = "eng_Latn",
) -> Layout:
    """Tell which column holds which field, from the first records of a file.

    Parameters
    ----------
    head:
        The first records; a column may be missing in some.
    columns:
        What the user said: field → column or path, "" for "leave this field out". Fields not
        named here are found by their aliases.
    language:
        Code of the language that is asked for. Of a data set with native and English questions side
        by side (AfriQA) it is the ones in this language; the passage is left out where it is in
        another.
    where:
        File or data set, for messages.
    keep:
        Columns or paths that are carried along.
    pivot:
        Code of the language of those questions that stand beside native ones.

    Raises
    ------
    SourceError
        A named column is not there, or no column of questions is known.

    Examples
    --------
    >>> find_layout([{"Query": "who?", "positive": "He."}], {}, "eng_Latn", "pairs.csv").paths
    {'question': ('Query',), 'passage': ('positive',)}
    """
    found = list(dict.fromkeys(itertools.chain.from_iterable(head)))
    by_name: dict[str, str] = {}
    for name in found:
        by_name.setdefault(folded(name), name)
    shaped = {**find_shape(head, by_name), **_side(by_name, language, pivot, where)}
    paths: dict[str, Path] = {}
    for name, aliases in ALIASES.items():
        if name in columns:
            if columns[name]:
                paths[name] = _named_column(columns[name], name, head, found, where)
            continue
        path = shaped.get(name)
        if path is None and name == "negatives":  # all of them
            path = _all_of([by_name[alias] for alias in aliases if alias in by_name])
        elif path is None:
            path = _aliased(name, aliases, head, by_name, language == pivot)
        if path:
            paths[name] = _in_language(path, head, language, name, where)
    messages = None
    if "question" not in paths:
        nested = find_nested(head, ALIASES)
        messages = None if nested else find_messages(head)
        if messages is not None:
            nested = {
                "question": (messages, EACH, "user"), "answer": (messages, EACH, "assistant"),
            }  # fmt: skip
        paths |= {name: path for name, path in nested.items() if name not in columns}
    if "question" not in paths:
        raise _unknown_layout(found, by_name, language, where)
    layout = Layout(
        paths,
        frozenset(name for name in columns if columns[name]),
        {name: _named_column(name, "keep", head, found, where) for name in keep},
        messages=messages,
        yes_no=language == "eng_Latn",
    )
    return _with_choices(layout, head, by_name)


def column_names(columns: Mapping[str, str]) -> frozenset[str]:
    """Folded names of columns that tell a table's line of names: known ones, and the user's."""
    known = itertools.chain.from_iterable(ALIASES.values())
    return frozenset((*known, *(folded(name) for name in columns.values() if name)))


def has_pivot(head: Sequence[Mapping[str, Any]]) -> bool:
    """Whether questions in another language stand beside the native ones."""
    return bool(_bilingual({folded(name) for record in head for name in record}))


def offered_languages(head: Sequence[Mapping[str, Any]]) -> list[str]:
    """Codes of the dictionary of languages that holds the questions; none where none does."""
    for record in head:
        for name in record:
            if folded(name) in ALIASES["question"] and (keys := language_keys(record[name])):
                return list(keys)
    return []


def _bilingual(names: Collection[str]) -> tuple[dict[str, str], dict[str, str]] | None:
    for english, native in BILINGUAL:
        if english["question"] in names and native["question"] in names:
            return english, native
    return None


def _side(by_name: Mapping[str, str], language: str, pivot: str, where: str) -> dict[str, Path]:
    """Of questions in two languages the ones that are asked for; an empty path for "none"."""
    both = _bilingual(by_name)
    if both is None:
        return {}
    if language == "eng_Latn" and pivot != language:
        raise SourceError(
            f"expected questions in {language}, found native ones and {pivot} in {where}",
            "choose one of these",
        )
    side = both[0] if language == pivot else both[1]
    paths: dict[str, Path] = {
        name: (by_name[one],) if one in by_name else () for name, one in side.items()
    }
    # a column of languages is about the native ones
    return {**paths, "language": ()} if language == pivot else paths


def _aliased(
    name: str,
    aliases: Sequence[str],
    head: Sequence[Mapping[str, Any]],
    by_name: Mapping[str, str],
    pivot: bool,
) -> Path:
    """The path of the first name that is there and means what it says."""
    for alias in aliases:
        if alias in by_name and (pivot or alias not in ENGLISH_ONLY):
            path = (by_name[alias],)
            if name != "passage" or not _only_references(head, path):
                return path
    return ()


def _all_of(columns: Sequence[str]) -> Path:
    return (ALL, *columns) if len(columns) > 1 else tuple(columns)


def _in_language(
    path: Path, head: Sequence[Mapping[str, Any]], language: str, name: str, where: str
) -> Path:
    """The path, into a dictionary of languages by the one that is asked for: MKQA's queries."""
    known: dict[str, str] = {}
    for record in head:
        value = dig(record, path)
        if value is not None:
            keys = language_keys(value)
            if not keys:
                return path
            known |= keys
    if not known:
        return path
    if language not in known:
        raise SourceError(
            f"expected {name}s in {language}, found {', '.join(known)} in the column "
            f"{path_words(path)} of {where}",
            "choose one of these",
        )
    return (*path, known[language])


def _unknown_layout(
    found: Sequence[str],
    by_name: Mapping[str, str],
    language: str,
    where: str,
) -> SourceError:
    """No column of questions: what there is, and what to write."""
    listed = ", ".join(map(str, found)) or "none"
    likely = suggest(by_name)
    nameless = any(re.search(r"^\d+$|[?？؟]$|\S \S+ \S+ \S", str(name).strip()) for name in found)
    return SourceError(
        f"expected a column of questions in {language}, found columns {listed} in {where}",
        (f"is it columns {likely}? else " if likely else "")
        + "name it: columns question=NAME (and answer=, passage=, id= where they are there)"
        + ("; if these are no names, number them: columns 0=id,1=question" if nameless else ""),
    )


def _only_references(head: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Whether a column holds names of files, addresses or numbers alone: no passages."""
    values = [dig(record, path) for record in head]
    if any(isinstance(value, list | Mapping) for value in values):
        return False
    texts = [one.text for value in values for one in read_texts(value).texts]
    return bool(texts) and all(map(is_reference, texts))


def _with_choices(
    layout: Layout, head: Sequence[Mapping[str, Any]], by_name: Mapping[str, str]
) -> Layout:
    """The layout with what its answers name one of, where they are letters or numbers."""
    answers = [dig(record, layout.paths.get("answer", ())) for record in head]
    given = [one for one in answers if one is not None and one != ""]
    if "answer" not in layout.paths or not all(map(_names_choice, given)):
        paths = {name: path for name, path in layout.paths.items() if name != "choices"}
        return layout if "choices" in layout.named else replace(layout, paths=paths)
    columns: tuple[str, ...] = ()
    for form in _CHOICES:
        names = [form.format(letter=letter, number=n + 1) for n, letter in enumerate("abcdefghij")]
        run = list(itertools.takewhile(by_name.__contains__, names))
        if len(run) > 1 and by_name[run[0]] != layout.paths["answer"][0]:
            columns = tuple(by_name[name] for name in run)
            break
    if not columns and "choices" not in layout.paths:
        return layout
    numbers = [read_integer(one) for one in given]
    sizes = [len(columns) or _size(dig(record, layout.paths["choices"])) for record in head]
    last = any(n is not None and n >= size for n, size in zip(numbers, sizes, strict=False))
    base = int(0 not in numbers and (last or (bool(columns) and columns[0][-1] == "1")))
    return replace(layout, choices=columns, base=base)


def _names_choice(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return True
    return isinstance(value, str) and re.fullmatch(r"[A-Ja-j]|\d{1,2}", value.strip()) is not None


def _size(value: Any) -> int:
    """How many choices there are in a list, or in ARC's dictionary of lists."""
    value = opened(value)
    if isinstance(value, Mapping):
        inner = next((value[key] for key in TEXT_KEYS if isinstance(value.get(key), list)), value)
        return len(inner)
    return len(value) if isinstance(value, list) else 0


def _named_column(
    name: str, field: str, head: Sequence[Mapping[str, Any]], found: Iterable[str], where: str
) -> Path:
    """The path to a column that the user named, checked against the first records."""
    found = list(map(str, found))
    if not head:
        return (name,)
    path = (name,) if name in found else parse_path(name)
    if path and any(leads_somewhere(record, path) for record in head):
        return path
    # names of what lies one level deeper help with a mistyped path
    deeper = [f"{key}.{inner}" for key in found for inner in _inner_keys(head, key)]
    near = difflib.get_close_matches(name, found + deeper, n=1)
    shown = deeper if path[:1] and path[0] in found and deeper else found
    raise SourceError(
        f"expected a column {name!r} for {field}, found {', '.join(shown)} in {where}",
        f"did you mean {near[0]!r}?" if near else "name one of these",
    )


def _inner_keys(head: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    inner = [opened(record.get(key)) for record in head]
    return list(dict.fromkeys(str(k) for one in inner if isinstance(one, Mapping) for k in one))


def working_paths(value: Any, column: str) -> list[str]:
    """Paths into a value that lead to texts, for a message: `queries.de`, `turns[*].question`.

    Those to the longest texts come first: a title is shorter than what it is the title of.
    """
    found = [path for path in inner_paths(value) if path]
    lengths = {path: max(map(len, _texts(dig(value, path))), default=0) for path in found}
    return [path_words((column, *rest)) for rest in sorted(found, key=lambda p: -lengths[p])][:4]


def _texts(value: Any) -> list[str]:
    return [one.text for one in read_texts(value, as_it_stands=True).texts]


def is_each(path: Sequence[str]) -> bool:
    """Whether a path takes every item of a list, so that one record is several."""
    return EACH in path
