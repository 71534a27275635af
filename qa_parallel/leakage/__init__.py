"""Which questions of a corpus are known from evaluation sets."""
