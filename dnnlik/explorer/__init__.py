"""A page inside of a bundle that evaluates, fits and scans it in a browser."""

from dnnlik.explorer.files import RUNTIME_FILES, add_explorer

__all__ = ["RUNTIME_FILES", "add_explorer"]
