"""Sampling a likelihood into one HDF5 file, with emcee or Hamiltonian Monte Carlo.

Use `sample` for a file, `Samples.open` to read one. What happens inside: ``plan``
shares the rows out among the chains of ``samplers`` (``ensemble``, ``hamiltonian``,
``profiled``, ``boundary``, one a file; ``tempered`` is the density of some),
``diagnostics`` judges with ``convergence`` and ``effective``, ``store`` keeps and
``samples`` reads.

Which sampler: "hamiltonian" wherever the likelihood has gradients (every workspace,
every surrogate, whatever is written in TensorFlow); "emcee" for all others.
"""

from dnnlik.sampling.plan import STRATEGY_MIXES
from dnnlik.sampling.run import sample
from dnnlik.sampling.samplers import POSTERIOR_SAMPLERS
from dnnlik.sampling.samples import STRATEGIES, Maximum, Samples
from dnnlik.typing import Progress, no_progress

__all__ = [
    "POSTERIOR_SAMPLERS",
    "STRATEGIES",
    "STRATEGY_MIXES",
    "Maximum",
    "Progress",
    "Samples",
    "no_progress",
    "sample",
]
