"""The HTML page that shows what the stages left behind: found, told in figures, rendered."""
