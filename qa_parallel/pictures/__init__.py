"""Pictures as SVG, light and dark: tables of numbers as heat maps, series of numbers as lines."""

from qa_parallel.pictures.lines import line_charts
from qa_parallel.pictures.paper import Picture, style
from qa_parallel.pictures.tables import heat_maps, shade

__all__ = ["Picture", "heat_maps", "line_charts", "shade", "style"]
