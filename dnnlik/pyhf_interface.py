"""A likelihood with the call signature of a pyhf model, for programs written around one.

What fits and test statistics of pyhf call: ``model.logpdf(pars, data)`` and ``model.config``.
Where it differs from `pyhf.Model`:

- ``data`` are the observed data of the likelihood, which knows no others: pass `PyhfModel.data`.
- There is no ``expected_data``: neither toys nor Asimov datasets, so no ``pyhf.infer.hypotest``;
  `dnnlik.inference.upper_limit` has limits.
- ``logpdf`` takes many points at once, (n, d) → (n,), without a ``batch_size``.

Needs NumPy alone; pyhf is not imported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.exceptions import InvalidInput
from dnnlik.parameters import ParameterSet
from dnnlik.typing import LogDensity, Values

__all__ = ["PyhfConfig", "PyhfModel"]


@dataclass(frozen=True)
class PyhfConfig:
    """What `pyhf.pdf._ModelConfig` says of parameters, in the order of the likelihood."""

    parameters: ParameterSet

    @property
    def npars(self) -> int:
        return len(self.parameters)

    @property
    def par_names(self) -> list[str]:
        return list(self.parameters.names)

    @property
    def par_order(self) -> list[str]:
        """The names without the numbers of bins, each once."""
        return list(dict.fromkeys(map(_base, self.parameters.names)))

    @property
    def poi_name(self) -> str | None:
        """The first parameter of interest; None without one."""
        return next(iter(self.parameters.poi_names), None)

    @property
    def poi_index(self) -> int | None:
        return None if self.poi_name is None else self.parameters.index(self.poi_name)

    @property
    def auxdata(self) -> list[float]:
        """None: they are inside of the likelihood, as all data are."""
        return []

    def par_slice(self, name: str) -> slice:
        """The columns of a parameter of `par_order`.

        Raises:
            InvalidInput: there is none of this name.
        """
        columns = [i for i, full in enumerate(self.parameters.names) if _base(full) == name]
        if not columns:
            raise InvalidInput(
                f"a parameter is one of {', '.join(self.par_order)}. Received: {name!r}"
            )
        return slice(columns[0], columns[-1] + 1)

    def suggested_init(self) -> list[float]:
        return self.parameters.inits.tolist()

    def suggested_bounds(self) -> list[tuple[float, float]]:
        return [item.bounds for item in self.parameters]

    def suggested_fixed(self) -> list[bool]:
        """No parameter is."""
        return [False] * self.npars


@dataclass(frozen=True)
class PyhfModel:
    """A likelihood, exact, learned or published, that is called as a pyhf model is.

    Natural logarithms without a factor 2; ``logpdf`` has the constraint terms, as pyhf's.
    Points are in the order of ``config.par_names``, which is that of the workspace if the
    likelihood was one.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 1, (-5, 5), poi=True)],
    ...                            lambda x: -0.5 * x[:, 0] ** 2)
    >>> model = PyhfModel(gauss)
    >>> model.logpdf(model.config.suggested_init(), model.data).tolist()
    [-0.5]
    """

    likelihood: LogDensity

    @property
    def config(self) -> PyhfConfig:
        return PyhfConfig(self.likelihood.parameters)

    @property
    def data(self) -> NDArray[np.float64]:
        """What to pass as data: an empty array, which stands for the observed ones."""
        return np.empty(0)

    def logpdf(self, pars: ArrayLike, data: ArrayLike = ()) -> Values:
        """Log-likelihood of one point (d,) as (1,), or of n points (n, d) as (n,).

        Raises:
            InvalidInput: data other than `data`.
            InvalidPoints: another number of parameters, or a NaN.
        """
        self._check(data)
        return self.likelihood.log_likelihood(self._points(pars))

    def mainlogpdf(self, maindata: ArrayLike, pars: ArrayLike) -> Values:
        """The same without the constraint terms; the order of the arguments is pyhf's."""
        self._check(maindata)
        return self.likelihood.log_main(self._points(pars))

    def constraint_logpdf(self, auxdata: ArrayLike, pars: ArrayLike) -> Values:
        """The constraint terms alone; the order of the arguments is pyhf's."""
        self._check(auxdata)
        return self.likelihood.log_constraint(self._points(pars))

    def expected_data(self, pars: ArrayLike, include_auxdata: bool = True) -> None:
        """There are none.

        Raises:
            InvalidInput: always.
        """
        raise InvalidInput(
            "this model knows the observed data alone, neither Asimov datasets nor toys; "
            "dnnlik.inference.upper_limit has limits. Received: a call of expected_data"
        )

    def _points(self, pars: ArrayLike) -> NDArray[np.float64]:
        return self.likelihood.parameters.points(np.atleast_2d(np.asarray(pars, dtype=float)))

    def _check(self, data: ArrayLike) -> None:
        count = np.size(data)
        if count:
            raise InvalidInput(
                "the data are inside of the likelihood: pass model.data, which is empty. "
                f"Received: {count} numbers"
            )


def _base(name: str) -> str:
    """``staterror_SR[2]`` → ``staterror_SR``."""
    head, bracket, tail = name.rpartition("[")
    return head if bracket and tail.endswith("]") and tail[:-1].isdigit() else name
