"""What can be sampled: HistFactory workspaces and the user's own functions.

Use `open_likelihood` for a file, `AnalyticLikelihood` for a function at hand.
"""

from dnnlik.likelihoods.analytic import AnalyticLikelihood
from dnnlik.likelihoods.base import Likelihood
from dnnlik.likelihoods.loader import open_likelihood

__all__ = ["AnalyticLikelihood", "Likelihood", "open_likelihood"]
