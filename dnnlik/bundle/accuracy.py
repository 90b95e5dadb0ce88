"""How accurate a published likelihood says it is, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["accuracy_line"]


def accuracy_line(kind: str, accuracy: Mapping[str, Any]) -> str:
    """A sentence without a full stop, from the ``accuracy`` of the metadata.

    >>> accuracy_line("exact", {"points": 9, "checks": [
    ...     {"quantity": "gradient", "against": "pyhf", "largest_difference": 3e-13}]})
    'gradient that of pyhf to 3e-13, at 9 points'
    >>> accuracy_line("surrogate", {})
    'not stated'
    """
    try:
        return _exact(accuracy) if kind == "exact" else _surrogate(accuracy)
    except (KeyError, TypeError, ValueError):  # files of others, and of before
        return "not stated"


def _exact(accuracy: Mapping[str, Any]) -> str:
    rows = [
        f"{row['quantity']} that of {row['against']} to {row['largest_difference']:.0e}"
        for row in accuracy["checks"]
        if row["quantity"] in ("log_likelihood", "gradient")
    ]
    return f"{', '.join(rows)}, at {accuracy['points']} points"


def _surrogate(accuracy: Mapping[str, Any]) -> str:
    band = accuracy["posterior_error"]
    scans = "".join(
        f", mean error of t of {scan['name']} {_number(scan['mean_error'])}"
        for scan in accuracy["t_errors"]
    )
    verdict = "passed" if accuracy["passed"] else "below threshold"
    return f"{verdict}; rms error of ln L {band['rms']:.2g} at {band['points']} points{scans}"


def _number(measured: float | None) -> str:
    return "none" if measured is None else f"{measured:.2g}"
