"""A corpus on the Hugging Face Hub: its licence, its card, and what brings it there."""
