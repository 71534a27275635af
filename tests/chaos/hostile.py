"""Rows that nobody would write, through the whole command: each one translated, or flagged.

    python -m tests.chaos.hostile --rows 10000 --seed 7

What is checked: exit code 0 and no traceback; every row with something to read in its question is
there, in every language, under the same `qa_id`, in the order of the source, once; and each field
that is not empty in the source is not empty in the target, or a flag of the row names it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tests.chaos.kill import QUESTIONS, start

TARGETS = ("deu_Latn", "mar_Deva")
FIELDS = ("question", "answer", "passage")
# Rare, since each of them is thousands of tokens.
LONG = ["x" * 100_000, "word " * 20_000, "." * 30_000, "가" * 20_000, "﷽" * 3000, "a,b;" * 9000]
NASTY = [
    *("", " ", "\n", "\t\r\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u2028", "\u2029", "\x85"),
    *("\x00", "nul \x00 byte", "\x1b[31mred\x1b[0m", "\x07\x08\x7f", "\u0080\u009f", "\x1c\x1d"),
    *("\ud800", "lone \udfff surrogate", "\ud83d", "\ufffd", "\ufffe\uffff", "\U0010ffff"),
    *("مرحبا بالعالم. كيف حالك؟", "שלום עולם", "\u202eesrever\u202c", "\u2066\u2067\u2069"),
    *("Z̸̡̢̧͎̰̓̈́͂̈́a̷̛̲͔̔̀̄l̵̨̛̻̈g̶̘̀͌o̴͔̔", "e" + "\u0301" * 500, "\u0301", "क्ष्म्य", "각", "ﬃ ﬀ ﷺ ㎢"),
    *("👨‍👩‍👧‍👦", "🏳️‍🌈🏴‍☠️", "👍🏽" * 50, "🇩🇪🇫", "\u200d" * 40, "\ufe0f", "☺", "𝕳𝖊𝖑𝖑𝖔 𝟙𝟚"),
    *("?", "...", "!!!", "-" * 300, "«»„“”‚‘’", "()[]{}", "。！？", "؟", "¿¡", "—–-", "%$#@"),
    "'" * 99,
    *("</s>", "<s>", "<unk>", "<pad>", "<mask>", "deu_Latn", "mar_Deva fra_Latn", "▁", "▁▁ ▁a"),
    "__de__",
    *("<unk> <unk> <unk>", "</s></s> deu_Latn </s>", "⁇", "@@ @@", "##ing", "|||", "\\", "\\n\\0"),
    *("<script>alert(1)</script>", "&lt;b&gt; &#39; &amp;", "<![CDATA[x]]>", "<!-- -->", "{{7*7}}"),
    *("=1+1", "=HYPERLINK(\"http://x\")", "@SUM(A1)", "+1", "-1", '"a", "b"', "a\tb,c;d|e"),
    *("'; DROP TABLE translations; --", "%s %d %n", "${x}", "../../etc/passwd", "CON", "NUL", "~"),
    *("0", "-0", "1e309", "NaN", "null", "None", "true", "no", "１２３", "٣٤٥", "Ⅻ", "½"),
    "1,000,000.00",
    *("I", "a", "İıſß", "ΟΔΟΣ ς", "ǅ", "ẞ", "ﬁ", "a.b.c.d.", "e.g. i.e. U.S.A.", "Mr. Dr. No."),
    "1. 2. 3.",
    *("ha " * 200, "no no no no no", "abcabcabc" * 30, "aaaaaaaaaa", "the the the"),
    "WHY IS THIS SHOUTED",
    *("one\n\n\n\ntwo\r\nthree\rfour", " . . . ", "a\u2028b\u2029c\x0bd\x0ce", "x\u00ady"),
    "a\u034fb",
    *("https://example.org/a?b=c&d=%20#e", "me@example.org", "C:\\Users\\x", "E=mc²"),
    "这是一个没有空格的很长的句子" * 10,
    "ประเทศไทยไม่มีช่องว่างระหว่างคำ" * 8,
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "(" * 200 + ")" * 200,
]  # fmt: skip


def make_rows(count: int, seed: int, longest: float = 0.0005) -> Iterator[dict[str, Any]]:
    """`count` records for JSON lines, each with an id of its own.

    A third are nasty strings alone, the others real questions in which something nasty stands at
    a random place. Ids, titles and a column that nobody asked for are of any type. A share
    `longest` of the fields is very long.
    """
    chance = random.Random(seed)
    real = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]

    def text(plain: str) -> str:
        if chance.random() < longest:
            return chance.choice(LONG)
        nasty = "".join(chance.choice(NASTY) for _ in range(chance.choice((1, 1, 1, 2, 3))))
        if chance.random() < 0.33:
            return nasty
        at = chance.randrange(len(plain) + 1)
        words = plain.split()
        chance.shuffle(words)
        return chance.choice((plain[:at] + nasty + plain[at:], plain, " ".join(words)))

    def anything(depth: int = 0) -> Any:
        kinds: list[Any] = [None, True, False, 0, -1, 10**30, 1.5, float("nan"), [], {}]
        kinds += [chance.choice(NASTY), [chance.choice(NASTY)], {"text": chance.choice(NASTY)}]
        if depth < 40 and chance.random() < 0.8:
            return [anything(depth + 1)] if depth % 2 else {"deep": anything(depth + 1)}
        return chance.choice(kinds)

    for number in range(count):
        base = chance.choice(real)
        row: dict[str, Any] = {
            "id": chance.choice((f"h{number}", number, 10**20 + number, f"{number} \ud800</s>")),
            "question": text(base["question"]),
            "answer": text(base["answer"]),
            "passage": text(base["passage"]),
            "title": anything(),
            "extra": anything(),
        }
        for name in ("answer", "passage"):
            if chance.random() < 0.1:
                row[name] = chance.choice(
                    (None, "", True, 7, 10**25, 2.5, [], [row[name], "b"], {})
                )
        if chance.random() < 0.03:  # of many more the whole file would be refused
            row["question"] = chance.choice((None, True, 12, [row["question"]], 1e300, [[[]]]))
        if chance.random() < 0.1:
            row["answer_start"] = chance.choice((0, -5, 10**18, "3", [[1, 2]], None, True, 2.0, {}))
        if chance.random() < 0.1:
            row["sentence_breaks"] = chance.choice(
                ([[0, 3]], [[5, 1]], [[0, 10**18]], [], "x", [[]])
            )
        yield row


def readable(value: Any) -> bool:
    """Whether a question surely has something to read: a letter, a digit or a sign of its own.

    What tables write where there is nothing says nothing.
    """
    while isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, str) or value.strip() in ("NaN", "null", "None"):
        return False
    return any(unicodedata.category(char)[0] in "LNPS" for char in value)


def complaints(records: Sequence[dict[str, Any]], corpus: Path) -> Iterator[str]:
    """What is wrong with the corpus that came of `records`."""
    source, *targets = (
        pl.read_parquet(corpus / "data" / code / "*.parquet") for code in ("eng_Latn", *TARGETS)
    )
    places = set(source["source_row"].to_list())
    for number, record in enumerate(records, start=1):
        # an empty list of answers beside a passage marks a question that has none
        kept = readable(record["question"]) and record["answer"] != []
        if kept and f"rows.jsonl:{number}" not in places:
            yield f"row {number} is missing: {record['question']!r:.80}"
    if source["qa_id"].n_unique() != source.height:
        yield "an id is there twice"
    for code, target in zip(TARGETS, targets, strict=True):
        if target["qa_id"].to_list() != source["qa_id"].to_list():
            yield f"{code}: other rows than in the source"
            continue
        for name in FIELDS:
            pairs = zip(
                source["source_row"], source[name], target[name], target["flags"], strict=True
            )
            for place, text, translated, flags in pairs:
                flagged = any(flag.startswith(f"{name}:") for flag in flags)
                if (text is None) != (translated is None):
                    yield f"{code} {place} {name}: {text!r:.60} became {translated!r:.60}"
                elif text and not translated.strip() and not flagged:
                    yield f"{code} {place} {name}: {text!r:.60} is empty without a flag"


def main(arguments: Sequence[str]) -> int:
    """Make the rows, run the command, check; 0 when there is nothing to complain of."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--longest", type=float, default=0.0005)
    parser.add_argument("--beam", type=int, default=1)
    given = parser.parse_args(arguments)
    records = list(make_rows(given.rows, given.seed, given.longest))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.jsonl")
        file.write_text("".join(json.dumps(row) + "\n" for row in records), encoding="utf-8")
        command = ["translate", "--source", str(file), "--to", ",".join(TARGETS)]
        command += ["--model", "demo", "--beam", str(given.beam)]
        process = start(command, Path(folder))
        _, errors = process.communicate()
        said = errors.decode(errors="replace")
        if process.returncode or "Traceback" in said:
            print(f"exit code {process.returncode}:\n{said[-4000:]}")
            return 1
        found = list(complaints(records, Path(folder, "out")))
        manifest = json.loads(Path(folder, "out", "manifest.json").read_text(encoding="utf-8"))
    for complaint in found[:20]:
        print(complaint)
    print(f"source: {manifest['source_counts']}")
    for code in TARGETS:
        print(f"{code}: {manifest['languages'][code]['flags']}")
    print(f"{given.rows} rows, seed {given.seed}: {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
