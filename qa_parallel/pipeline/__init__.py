"""Recipes: the stages in their order."""
