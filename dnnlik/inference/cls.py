"""Asymptotic CL_s of tested values, with the band expected without a signal.

pyhf's conventions: the expected band comes from the Asimov dataset of the background-only
fit to the observed data (nuisance parameters profiled at μ = 0); p-values are those of
arXiv:1007.1727, sections 3.6 and 3.7. A likelihood that makes no data may have a table of
the same, made with the exact one (`dnnlik.asimov`); else Wald's approximation remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnlik.asimov import AsimovCurve
from dnnlik.exceptions import InvalidInput
from dnnlik.inference.asymptotics import PValues, expected_cls, limit_p_values
from dnnlik.inference.fit import fit
from dnnlik.inference.maxima import Maxima, check_statistic, maxima
from dnnlik.inference.poi import poi_of
from dnnlik.inference.result import FitResult
from dnnlik.inference.wald import wald_root
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Generative, LogDensity, WithAsimovCurve

__all__ = [
    "AsimovKind",
    "AsymptoticTests",
    "ClsCurve",
    "LimitStatistic",
    "MaximaPair",
    "cls_curve",
    "tested_values",
]

Array = NDArray[np.float64]

AsimovKind = Literal["dataset", "published", "wald"]
"""Where √q_{μ,A} comes from: the background-only Asimov dataset; a table of that, published with
a likelihood that knows no other data; or Wald's approximation from the observed one alone."""

LimitStatistic = Literal["q", "qtilde"]


@dataclass(frozen=True)
class ClsCurve:
    """Tests of m values of the parameter of interest.

    Attributes:
        poi: the parameter of interest.
        test_statistic: "qtilde" or "q".
        values: (m,) tested.
        statistic: (m,) of the data, factor 2 included.
        asimov_root: (m,) √q_{μ,A} = μ/σ of the background-only Asimov dataset.
        p_sb, p_b, cls: (m,) p-values of signal and background, of background alone
            (pyhf: CL_b), and their ratio.
        expected: (m, 5) CL_s of background-only data at -2, -1, 0, 1, 2 standard deviations.
        asimov: where ``asimov_root`` comes from: "dataset", "published" or "wald".
        converged: (m,) whether all fits of a value converged.
    """

    poi: str
    test_statistic: LimitStatistic
    values: Array
    statistic: Array
    asimov_root: Array
    p_sb: Array
    p_b: Array
    cls: Array
    expected: Array
    asimov: AsimovKind
    converged: NDArray[np.bool_]


def cls_curve(
    density: LogDensity,
    values: Sequence[float] | Array,
    *,
    poi: str | None = None,
    test_statistic: LimitStatistic = "qtilde",
) -> ClsCurve:
    """CL_s of tested values, observed and expected; all fits as batches.

    Args:
        density: any LogDensity; with data of its own making (a workspace) the band comes
            from the Asimov dataset. Otherwise it is from the table that was published, if
            that reaches all values, and if not, from Wald's approximation for all of them.
        values: (m,) tested, not negative.
        poi: the parameter of interest; the one that is marked by default.
        test_statistic: "qtilde", or "q" for a poi that may be negative.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 1, (0, 9), poi=True)],
    ...                            lambda x: -0.5 * x[:, 0] ** 2)
    >>> curve = cls_curve(gauss, [1.96])
    >>> curve.cls.round(3).tolist(), curve.expected.round(3)[0, 2].tolist(), curve.asimov
    ([0.05], 0.05, 'wald')
    """
    tests = AsymptoticTests.of(density, poi=poi, test_statistic=test_statistic).covering(values)
    return tests.curve(tests.fitted(values))


@dataclass(frozen=True)
class AsymptoticTests:
    """A likelihood with its global and background-only fits, and the Asimov dataset of the
    latter, or a table of it: made once, tested at many values.

    With a table (``published``) values beyond it are errors: see `covering` and `on_wald`.
    """

    density: LogDensity
    poi: str
    test_statistic: LimitStatistic
    best: FitResult
    at_zero: FitResult
    asimov: LogDensity | None
    asimov_best: FitResult | None
    published: AsimovCurve | None = None

    @classmethod
    def of(
        cls, density: LogDensity, *, poi: str | None, test_statistic: LimitStatistic
    ) -> AsymptoticTests:
        name = poi_of(density.parameters, poi)
        check_limit_statistic(test_statistic, density.parameters, name)
        found = maxima(density, [], poi=name)
        asimov = asimov_best = published = None
        if isinstance(density, Generative):
            asimov = density.asimov(found.at_zero.point)
            asimov_best = fit(asimov, start=found.at_zero.point)
        elif isinstance(density, WithAsimovCurve):
            published = density.asimov_curve(name)
        return cls(
            density, name, test_statistic, found.best, found.at_zero, asimov, asimov_best, published
        )

    @property
    def kind(self) -> AsimovKind:
        """Where √q_{μ,A} comes from."""
        if self.asimov is not None:
            return "dataset"
        return "wald" if self.published is None else "published"

    @property
    def end(self) -> float:
        """The largest value that can be tested: the bound of the poi, or the table's end."""
        bound = float(self.density.parameters[self.poi].bounds[1])
        return bound if self.published is None else min(bound, self.published.end)

    def on_wald(self) -> AsymptoticTests:
        """The same without the table."""
        return replace(self, published=None)

    def covering(self, values: Sequence[float] | Array) -> AsymptoticTests:
        """The same, without the table if that does not reach all of the values."""
        known = self.published is not None and self.published.covers(tested_values(values))
        return self if known else self.on_wald()

    def fitted(self, values: Sequence[float] | Array) -> MaximaPair:
        """The fits that test values (m,)."""
        tested = tested_values(values)
        data = maxima(self.density, tested, poi=self.poi, best=self.best)
        if self.asimov is None:
            return MaximaPair(data, None)
        return MaximaPair(data, maxima(self.asimov, tested, poi=self.poi, best=self.asimov_best))

    def between(self, known: MaximaPair, values: Array) -> MaximaPair:
        """The same for values between those of a scan, which gives the starts."""
        data = known.data.between(self.density, values)
        if self.asimov is None or known.asimov is None:
            return MaximaPair(data, None)
        return MaximaPair(data, known.asimov.between(self.asimov, values))

    def curve(self, found: MaximaPair) -> ClsCurve:
        """What the fits say."""
        data, name = found.data, self.test_statistic
        root, converged = self._asimov_root(found)
        statistic = data.statistic(name)
        p: PValues = limit_p_values(statistic, root, tilde=name == "qtilde")
        return ClsCurve(
            poi=self.poi,
            test_statistic=name,
            values=data.values,
            statistic=statistic,
            asimov_root=root,
            p_sb=p.p_sb,
            p_b=p.p_b,
            cls=p.cls,
            expected=expected_cls(root),
            asimov=self.kind,
            converged=data.converged & converged,
        )

    def _asimov_root(self, found: MaximaPair) -> tuple[Array, NDArray[np.bool_]]:
        if found.asimov is not None:
            return np.sqrt(found.asimov.statistic(self.test_statistic)), found.asimov.converged
        if self.published is not None:
            root = self.published.root_at(found.data.values)
        else:
            root = wald_root(self.density, found.data)
        return root, np.isfinite(root)


class MaximaPair(NamedTuple):
    """Fits of the data and, where there is one, of the Asimov dataset at the same values."""

    data: Maxima
    asimov: Maxima | None


def tested_values(values: Sequence[float] | Array) -> Array:
    tested = np.asarray(values, dtype=float)
    if tested.ndim != 1 or not (tested >= 0).all():
        raise InvalidInput(
            "values that an upper limit tests are a list, none negative. "
            f"Received: {np.asarray(values).tolist()}"
        )
    return tested


def check_limit_statistic(name: str, parameters: ParameterSet, poi: str) -> None:
    """Refuse what is no statistic of an upper limit, or not for these bounds."""
    check_statistic(name, parameters, poi)
    if name not in ("q", "qtilde"):
        raise InvalidInput(f"an upper limit takes qtilde or q. Received: {name!r}")
