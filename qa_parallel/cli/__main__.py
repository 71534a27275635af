"""`python -m qa_parallel.cli`, where the script is not on the path."""

from qa_parallel.cli import main

main()
