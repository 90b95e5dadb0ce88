"""Densities with known maxima, Hessians and profiles, for the tests of inference."""

import numpy as np
import tensorflow as tf

from dnnlik.constraints import Normal
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter


class Gaussian:
    """A correlated normal log-likelihood in d dimensions, known in closed form.

    Half of the parameters have a normal constraint; ``precision`` is that of main
    term and constraints together, ``mean`` the maximum.
    """

    def __init__(self, size, seed=0, bounds=(-20.0, 20.0), tensor=True):
        generator = np.random.default_rng(seed)
        root = generator.normal(size=(size, size)) / np.sqrt(size)
        main = root @ root.T + 0.3 * np.eye(size)
        centre = generator.normal(size=size)
        constrained = np.arange(size) % 2 == 1
        self.precision = main + np.diag(constrained / 0.7**2)
        pull = main @ centre + constrained * 0.2 / 0.7**2
        self.mean = np.linalg.solve(self.precision, pull)
        self.covariance = np.linalg.inv(self.precision)

        def in_numpy(points):
            step = points - centre
            return -0.5 * ((step @ main) * step).sum(axis=1)

        def in_tensorflow(points):
            step = points - centre
            return -0.5 * tf.reduce_sum((step @ main) * step, axis=1)

        parameters = [
            Parameter(f"x{i}", 0.0, bounds, Normal(0.2, 0.7) if constrained[i] else None, i == 0)
            for i in range(size)
        ]
        self.density = AnalyticLikelihood(parameters, in_tensorflow if tensor else in_numpy)

    def log_likelihood(self, point):
        """Relative to the maximum."""
        step = np.asarray(point) - self.mean
        return -0.5 * step @ self.precision @ step

    def conditional(self, column, value):
        """The maximum with one parameter held, (d,)."""
        shift = (value - self.mean[column]) / self.covariance[column, column]
        return self.mean + shift * self.covariance[:, column]


def counting(observed, signal, background, control, ratio, *, tensor=True, upper=10.0):
    """n ~ Pois(μ s + b), m ~ Pois(τ b): everything in closed form (arXiv:1007.1727)."""

    def log_main(points, log):
        rate = points[:, 0] * signal + points[:, 1]
        sideband = ratio * points[:, 1]
        return observed * log(rate) - rate + control * log(sideband) - sideband

    function = (lambda p: log_main(p, tf.math.log)) if tensor else (lambda p: log_main(p, np.log))
    parameters = [
        Parameter("mu", 1.0, (0, upper), poi=True),
        Parameter("b", background, (0.1, 10 * background)),
    ]
    return AnalyticLikelihood(parameters, function)
