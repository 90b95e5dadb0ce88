"""The likelihood of a workspace by pyhf itself: what the project's own programs are checked with.

One point at a time, so slow; it shares no arithmetic with `dnnlik.histfactory.rates`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from dnnlik.histfactory.workspace import pyhf_model
from dnnlik.typing import JSON

__all__ = ["pyhf_log_likelihood", "pyhf_name"]

Array = NDArray[np.float64]


def pyhf_name() -> str:
    """The program and its version, in words."""
    return f"pyhf {version('pyhf')}"


def pyhf_log_likelihood(
    workspace: JSON,
    *,
    measurement: str | None = None,
    normsys_code: str = "code4",
    histosys_code: str = "code4p",
) -> Callable[[Array], Array]:
    """``logpdf`` of pyhf as a function of all parameters, fixed ones too: (n, P) → (n,).

    Natural log, auxiliary measurements included; NaN where pyhf has no answer, as where an
    expected rate is negative.

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
    >>> pyhf_log_likelihood(one_bin)(np.array([[1.0]])).round(4).tolist()  # 2 ln 2 - 2 - ln 2
    [-1.3069]
    """
    codes = {"normsys": {"interpcode": normsys_code}, "histosys": {"interpcode": histosys_code}}
    model, observations = pyhf_model(workspace, measurement, modifier_settings=codes)
    counts = [observations[name] for name in model.config.channels]
    data = np.concatenate([*counts, model.config.auxdata])

    def values(points: Array) -> Array:
        with np.errstate(all="ignore"):  # logarithms of negative rates
            found = [np.asarray(model.logpdf(point, data)).item() for point in points]
        return np.where(np.isfinite(found), found, np.nan)

    return values
