"""The plan: which rows meet in which training step.

`rows.gather` numbers the rows of one or several corpora, `planning.make_plan` puts them into
batches as a `strategies.Strategy` says, `report.describe` counts what came of it. All are pure
functions over Polars frames; what writes folders is `stage`, what a trainer reads is `plan`.
"""
