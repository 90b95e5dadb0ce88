"""What all figures share. Colours are of the Okabe-Ito palette, which stay apart for
colour-blind readers and in print."""

from __future__ import annotations

from matplotlib.figure import Figure

__all__ = ["EXACT", "GREY", "SURROGATE", "new_figure"]

EXACT, SURROGATE, GREY = "#0072B2", "#D55E00", "#999999"
_RESOLUTION = 150


def new_figure(width: float = 6.0, height: float = 4.0) -> Figure:
    """A figure of a size in inches that no global state knows of."""
    return Figure(figsize=(width, height), dpi=_RESOLUTION, layout="constrained")
