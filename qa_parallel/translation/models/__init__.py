"""Find a translation model, convert it, tokenise for it."""
