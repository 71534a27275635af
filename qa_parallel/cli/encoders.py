"""Options about an encoder, which several commands have."""

from __future__ import annotations

from qa_parallel.cli.fields import Decorator, field, fields, together
from qa_parallel.encoders.settings import EncoderSettings

SECTION = "Encoder"


def encoder_options(
    kind: type[EncoderSettings], words: str, *, required: bool = False
) -> Decorator:
    """Which encoder, and how texts are put to it; `words` say what it is for."""
    encoder = field(SECTION, kind, "encoder", words, required=required)
    how = fields(
        SECTION,
        kind,
        pooling="How token vectors become one vector.  [default: the encoder's, else mean]",
        query_prefix="Text to put before every question, e.g. 'query: '.  [default: the encoder's]",
        passage_prefix="Text to put before every passage, e.g. 'passage: '.  [default: the "
        "encoder's]",
        max_length="Longest text in tokens; what is longer is cut.  [default: the encoder's, at "
        "most 512]",
        precision="Precision of the computation; auto is bfloat16 on a GPU that has it, else "
        "float32.",
        device="Where to compute; auto takes a GPU if there is one.",
    )
    return together(encoder, how)
