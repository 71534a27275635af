"""Turn English question-answer data into parallel QA corpora, and prove that they are worth it."""

__version__ = "0.1.0"
