"""A corpus in one language to the same corpus in many."""
