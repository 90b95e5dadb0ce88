"""One bin as a function of its yields: what a surrogate for training analyses learns.

Expected signal ``s``, background ``b`` and its uncertainty ``sigma_b``, and the observed
count ``n`` are columns like the signal strength ``mu`` and the pull ``alpha`` of the
background, uniform within their bounds. The formulae are in ``README.md``.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from dnnlik.constraints import Normal
from dnnlik.histfactory.rates import poisson_terms
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter

# Inits that fit together: the rate at them is the count, and the quadratic baseline of a
# surrogate is expanded in the middle of its domain.
PARAMETERS = [
    Parameter("mu", init=1.0, bounds=(-0.5, 2), poi=True),
    Parameter("alpha", 0.0, bounds=(-4, 4), constraint=Normal(0, 1)),
    Parameter("s", 20.0, bounds=(14, 26)),
    Parameter("b", 35.0, bounds=(23, 47)),
    Parameter("sigma_b", 5.0, bounds=(0.1, 11.5)),
    Parameter("n", 55.0, bounds=(22, 66)),
]


def likelihood() -> AnalyticLikelihood:
    """The function of mu, alpha, s, b, sigma_b and n."""
    return AnalyticLikelihood(PARAMETERS, log_main)


def log_main(points: Any) -> tf.Tensor:
    """ln Poisson(n | λ) less its largest value, that of λ = n: (n, 6) → (n,).

    That constant of the data, which no test statistic sees, would hide the dependence on
    the parameters under -½ ln n; and chains would gather at the smallest counts.
    """
    mu, alpha, s, b, sigma, count = tf.unstack(tf.convert_to_tensor(points, tf.float64), axis=1)
    return poisson_terms(count, mu * s + b + alpha * sigma, relative=True)
