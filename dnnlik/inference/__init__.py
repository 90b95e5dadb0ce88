"""Frequentist and Bayesian inference on any `dnnlik.typing.LogDensity`.

- a maximum: `fit`; with parameters held: ``fit(density, fixed={"mu": 1})``; thousands
  of them at once: `fit_many`
- a scan of t_μ: `profile`; where it reaches 1, 4, 9: `likelihood_interval`
- uncertainties from the curvature: `uncertainties`, `fisher_information`; `pulls`;
  `impacts` on the parameter of interest
- curvature: `hessian`; the main term to second order: `expansion_of_main`
- credible intervals of samples: `hpdi`, `effective_sample_size`

Needs NumPy and SciPy alone, so that published likelihoods can be fitted without
TensorFlow, Keras, pyhf or emcee.
"""

from dnnlik.inference.fit import fit
from dnnlik.inference.fits import Fits, fit_many
from dnnlik.inference.gradients import expansion_of_main, gradient_function, hessian
from dnnlik.inference.impacts import Impacts, impacts
from dnnlik.inference.intervals import LEVELS, effective_sample_size, hpdi
from dnnlik.inference.profile import Profile, likelihood_interval, profile
from dnnlik.inference.pulls import Pulls, pulls
from dnnlik.inference.result import FitResult, FitStatus
from dnnlik.inference.uncertainties import Uncertainties, fisher_information, uncertainties

__all__ = [
    "LEVELS",
    "FitResult",
    "FitStatus",
    "Fits",
    "Impacts",
    "Profile",
    "Pulls",
    "Uncertainties",
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
    "uncertainties",
]
