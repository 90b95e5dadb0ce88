"""The sentences that every published file carries, and how its metadata become strings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidInput

__all__ = [
    "CONVENTIONS",
    "DOMAIN_NOTE",
    "EXACT_CONVENTIONS",
    "EXACT_DOMAIN_NOTE",
    "EXACT_OUTPUTS",
    "OUTPUTS",
    "UNCERTAINTY",
    "finite",
    "texts_of",
]

CONVENTIONS = {
    "logarithm": "natural",
    "factor": "none: the outputs are log L, neither -log L nor -2 log L",
    "offset": (
        "values keep the normalisation constants of the likelihood that was learned (pyhf: "
        "logpdf); inference needs differences between points alone, so a constant may be added"
    ),
    "inputs": "raw physical values in the order of dnnlik.parameters; all scaling is in the graph",
}
EXACT_CONVENTIONS = {
    **CONVENTIONS,
    "offset": (
        "values are those of pyhf's logpdf, all normalisation constants included; inference "
        "needs differences between points alone"
    ),
    "impossible": (
        "where an expected rate is negative, or zero in a bin with events, log_likelihood is minus "
        "infinity; the data term adds nothing to the gradient in such bins"
    ),
}

OUTPUTS = {
    "log_likelihood": "log of the likelihood, auxiliary measurements included, no prior",
    "log_constraint": "log of the auxiliary measurements alone, closed form; it is part of "
    "log_likelihood, subtract it to put another in its place",
    "gradient": "derivative of log_likelihood with respect to each parameter",
    "in_domain": "whether the point is inside the training domain and the bounds",
}
EXACT_OUTPUTS = {**OUTPUTS, "in_domain": "whether the point is within the bounds"}

UNCERTAINTY = (
    "one standard deviation of log_likelihood: the spread of the networks times a factor that "
    "was calibrated on points held out of the training"
)

DOMAIN_NOTE = (
    "box of the training points, null for no limit; beside a quadratic the networks keep "
    "their value at its edge outside of it, and nowhere lift log_likelihood above a "
    "multiple of the quadratic with the constraint plus a constant; in_domain also tests the "
    "bounds of the parameters and the ellipsoid of the training points, which is in the graph"
)
EXACT_DOMAIN_NOTE = (
    "the bounds of the parameters, null for no limit; the closed form holds beyond them too, "
    "where the model is not meant to be used"
)


def finite(limits: NDArray[np.float64]) -> list[float | None]:
    """Limits (d,) as JSON has them: null for no limit."""
    return [float(x) if np.isfinite(x) else None for x in limits]


def texts_of(documents: Mapping[str, Any]) -> dict[str, str]:
    """Each document as JSON text.

    Raises:
        InvalidInput: a document that JSON cannot hold, such as a NaN.

    >>> texts_of({"dnnlik.schema": "1.1", "dnnlik.terms": {"a": np.float64(2.0)}})
    {'dnnlik.schema': '"1.1"', 'dnnlik.terms': '{"a": 2.0}'}
    """
    return {key: _text(key, document) for key, document in documents.items()}


def _text(key: str, document: Any) -> str:
    try:
        return json.dumps(document, sort_keys=True, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{key} must be what JSON can hold. Received: {error}") from error


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as JSON knows them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"an object of type {type(value).__name__}")
