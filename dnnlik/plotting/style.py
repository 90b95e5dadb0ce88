"""What all figures share. Colours are of the Okabe-Ito palette, which stay apart for
colour-blind readers and in print."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image  # what matplotlib writes PNG files with

from dnnlik.documents import write_bytes

__all__ = ["EXACT", "GREY", "SURROGATE", "new_figure", "png_of", "save_figures"]

EXACT, SURROGATE, GREY = "#0072B2", "#D55E00", "#999999"
_RESOLUTION = 150
_COLOURS = 256


def new_figure(width: float = 6.0, height: float = 4.0) -> Figure:
    """A figure of a size in inches that no global state knows of."""
    return Figure(figsize=(width, height), dpi=_RESOLUTION, layout="constrained")


def png_of(figure: Figure) -> bytes:
    """A figure as the content of a PNG file, with a palette: a third of the bytes.

    The palette covers all colours of the figure: one of the most frequent ones alone would give a
    rare colour, a marker's, to its neighbour.
    """
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB")
    cover, none = Image.Quantize.MAXCOVERAGE, Image.Dither.NONE
    # k-means moves what covers all to where most pixels are: areas keep their very colour.
    found = picture.quantize(_COLOURS, cover, kmeans=1, dither=none)
    found.save(small, format="png", optimize=True)
    return small.getvalue()


def save_figures(figures: Mapping[str, Figure], folder: Path) -> None:
    """Write figures under their names, each whole or not at all.

    Raises:
        InvalidFile: the folder cannot be written.
    """
    for name, figure in figures.items():
        write_bytes(folder / name, png_of(figure), what="the figures")
