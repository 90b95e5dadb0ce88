"""Frequentist and Bayesian inference on any `dnnlik.typing.LogDensity`.

- a maximum: `fit`; with parameters held: ``fit(density, fixed={"mu": 1})``; thousands
  of them at once: `fit_many`
- a scan of t_μ: `profile`; where it reaches 1, 4, 9: `likelihood_interval`
- uncertainties from the curvature: `uncertainties`, `fisher_information`; `pulls`;
  `impacts` on the parameter of interest
- curvature: `hessian`; the main term to second order: `expansion_of_main`
- test statistics t_μ, t̃_μ, q_0, q_μ, q̃_μ of the data: `statistic`; as pure functions of
  log-likelihoods: `dnnlik.inference.statistics`, their p-values: `.asymptotics`
- a discovery: `discovery`; CL_s with its expected band: `cls_curve`; limits: `upper_limit`
- the same from random datasets: `toy_test`, `toy_cls`; the table that a surrogate needs for
  the limits of the exact likelihood: `asimov_curve`
- credible intervals of samples: `hpdi`, `effective_sample_size`

Needs NumPy and SciPy alone, so that published likelihoods can be fitted without
TensorFlow, Keras, pyhf or emcee.
"""

from dnnlik.inference.asimov import AsimovCurve, asimov_curve
from dnnlik.inference.cls import ClsCurve, cls_curve
from dnnlik.inference.discovery import Discovery, discovery
from dnnlik.inference.fit import fit
from dnnlik.inference.fits import Fits, fit_many
from dnnlik.inference.gradients import expansion_of_main, gradient_function, hessian
from dnnlik.inference.impacts import Impacts, impacts
from dnnlik.inference.intervals import LEVELS, effective_sample_size, hpdi
from dnnlik.inference.limits import UpperLimit, upper_limit
from dnnlik.inference.maxima import statistic
from dnnlik.inference.profile import Profile, likelihood_interval, profile
from dnnlik.inference.pulls import Pulls, pulls
from dnnlik.inference.result import FitResult, FitStatus
from dnnlik.inference.toy_cls import ToyCls, toy_cls
from dnnlik.inference.toys import ToyTest, toy_test
from dnnlik.inference.uncertainties import Uncertainties, fisher_information, uncertainties

__all__ = [
    "LEVELS",
    "AsimovCurve",
    "ClsCurve",
    "Discovery",
    "FitResult",
    "FitStatus",
    "Fits",
    "Impacts",
    "Profile",
    "Pulls",
    "ToyCls",
    "ToyTest",
    "Uncertainties",
    "UpperLimit",
    "asimov_curve",
    "cls_curve",
    "discovery",
    "effective_sample_size",
    "expansion_of_main",
    "fisher_information",
    "fit",
    "fit_many",
    "gradient_function",
    "hessian",
    "hpdi",
    "impacts",
    "likelihood_interval",
    "profile",
    "pulls",
    "statistic",
    "toy_cls",
    "toy_test",
    "uncertainties",
    "upper_limit",
]
