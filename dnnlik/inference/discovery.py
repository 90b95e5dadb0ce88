"""Discovery: how improbable the data are without a signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.inference.asymptotics import BANDS, p_value_q0
from dnnlik.inference.cls import AsimovKind
from dnnlik.inference.maxima import check_statistic, maxima
from dnnlik.inference.poi import poi_of
from dnnlik.inference.wald import wald_root
from dnnlik.typing import Generative, LogDensity

__all__ = ["Discovery", "discovery"]


@dataclass(frozen=True)
class Discovery:
    """Test of the background-only hypothesis, asymptotic.

    Attributes:
        poi: the parameter of interest.
        statistic: q_0 of the data, factor 2 included.
        p_value: p_0 = Φ(-√q_0), one half for a deficit.
        significance: Z = √q_0, 0 for a deficit.
        expected: (5,) significance that a signal of ``signal`` gives, at -2, -1, 0, 1, 2
            standard deviations of its fluctuations (as pyhf: not cut at 0).
        signal: the value of the parameter of interest that is expected.
        asimov: "dataset", or "wald" where ``expected`` is Wald's approximation.
        converged: whether all fits converged.
    """

    poi: str
    statistic: float
    p_value: float
    significance: float
    expected: NDArray[np.float64]
    signal: float
    asimov: AsimovKind
    converged: bool


def discovery(density: LogDensity, *, poi: str | None = None, signal: float = 1.0) -> Discovery:
    """q_0 with its p-value, observed, and expected for a signal (arXiv:1007.1727, sect. 4.1).

    As pyhf's ``test_stat="q0"``: the expected is from the Asimov dataset of ``signal``,
    nuisance parameters profiled there.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 1, (-5, 9), poi=True)],
    ...                            lambda x: -0.5 * ((x[:, 0] - 1.5) / 0.5) ** 2)
    >>> found = discovery(gauss, signal=2)
    >>> round(found.significance, 4), found.expected.round(4).tolist()
    (3.0, [2.0, 3.0, 4.0, 5.0, 6.0])
    """
    name = poi_of(density.parameters, poi)
    check_statistic("q0", density.parameters, name)
    data = maxima(density, [signal], poi=name)
    q0 = data.statistic("q0")
    if isinstance(density, Generative):
        asimov = maxima(density.asimov(data.points[0]), [], poi=name)
        drop = asimov.best.log_likelihood - asimov.at_zero.log_likelihood
        root = float(np.sqrt(max(2 * drop, 0.0)))
        converged = asimov.best.converged and asimov.at_zero.converged
    else:
        root = float(wald_root(density, data)[0])
        converged = bool(np.isfinite(root))
    p = p_value_q0(q0)
    return Discovery(
        poi=name,
        statistic=float(q0[0]),
        p_value=float(p[0]),
        # Not from the p-value, which is 0 beyond 38 standard deviations.
        significance=float(np.sqrt(q0[0])),
        expected=root + np.array(BANDS, dtype=float),
        signal=float(signal),
        asimov="dataset" if isinstance(density, Generative) else "wald",
        converged=bool(data.converged.all()) and converged,
    )
