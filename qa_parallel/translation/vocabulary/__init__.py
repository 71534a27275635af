"""A model limited to the tokens that a language uses."""
