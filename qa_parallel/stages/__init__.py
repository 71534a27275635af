"""The stages: each a thin layer of files and resume around a pure function."""
