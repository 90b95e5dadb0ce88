"""The likelihood of a workspace by pyhf itself: what the project's own programs are checked with.

One point at a time, so slow; it shares no arithmetic with `dnnlik.histfactory.rates`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.constraints import Poisson
from dnnlik.histfactory.digits import DIGITS, log_constraint
from dnnlik.histfactory.workspace import constraints_of, pyhf_model
from dnnlik.typing import JSON

__all__ = ["Independent", "independent_likelihood"]

Array = NDArray[np.float64]

LARGEST_COUNT = 1e4
"""Of auxiliary measurements: the terms of larger ones pyhf knows to less than ten decimals."""


@dataclass(frozen=True)
class Independent:
    """A likelihood as a function of all parameters, fixed ones too.

    Attributes:
        values: points (n, P) → (n,), natural log, auxiliary measurements included; NaN where
            there is no answer, as where an expected rate is negative.
        source: the program, in words.
    """

    values: Callable[[Array], Array]
    source: str


def independent_likelihood(
    workspace: JSON,
    *,
    measurement: str | None = None,
    normsys_code: str = "code4",
    histosys_code: str = "code4p",
) -> Independent:
    """``logpdf`` of pyhf. Where auxiliary counts are so large that it loses digits, its main
    term and the constraint terms in 40 digits.

    Args:
        workspace: the JSON object of a pyhf workspace.
        measurement: its name; the first one by default.
        normsys_code, histosys_code: interpolation codes.

    Raises:
        InvalidLikelihood: pyhf cannot make a model of the workspace.

    >>> one_bin = {"channels": [{"name": "SR", "samples": [{"name": "s", "data": [2.0],
    ...     "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]}]}],
    ...     "observations": [{"name": "SR", "data": [2.0]}], "version": "1.0.0",
    ...     "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}]}
    >>> found = independent_likelihood(one_bin).values(np.array([[1.0]]))
    >>> found.round(4).tolist()  # 2 ln 2 - 2 - ln 2
    [-1.3069]
    """
    codes = {"normsys": {"interpcode": normsys_code}, "histosys": {"interpcode": histosys_code}}
    model, observations = pyhf_model(workspace, measurement, modifier_settings=codes)
    counts = np.concatenate([observations[name] for name in model.config.channels])
    constraints = constraints_of(model.config)
    largest = max((c.observed for c in constraints if isinstance(c, Poisson)), default=0.0)
    program = f"pyhf {version('pyhf')}"
    if largest <= LARGEST_COUNT:
        data = np.concatenate([counts, model.config.auxdata])
        return Independent(_each(lambda point: model.logpdf(point, data)), program)

    def in_digits(point: Array) -> Any:
        # A rate that is impossible already makes pyhf's main term NaN.
        return model.mainlogpdf(counts, point) + log_constraint(constraints, point.tolist())

    return Independent(
        _each(in_digits),
        f"the main term of {program} and constraint terms in {DIGITS} digits",
    )


def _each(function: Callable[[Array], Any]) -> Callable[[Array], Array]:
    """A function of a point as one of many, NaN for whatever is not finite."""

    def values(points: Array) -> Array:
        with np.errstate(all="ignore"):  # logarithms of negative rates
            found = [np.asarray(function(point)).item() for point in points]
        return np.where(np.isfinite(found), found, np.nan)

    return values
