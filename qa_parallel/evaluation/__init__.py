"""How well vectors retrieve."""
