"""Sampling a likelihood with emcee into one HDF5 file.

Use `sample` for a file, `Samples.open` to read one. What happens inside: ``run``
plans chains and rows, ``ensemble`` (unbiased) and ``profiled`` fill them with the
proposals of ``moves``, ``convergence`` judges, ``store`` keeps and ``samples`` reads.
"""

from dnnlik.sampling.run import STRATEGY_FRACTIONS, sample
from dnnlik.sampling.samples import STRATEGIES, Maximum, Samples
from dnnlik.sampling.task import Progress, no_progress

__all__ = [
    "STRATEGIES",
    "STRATEGY_FRACTIONS",
    "Maximum",
    "Progress",
    "Samples",
    "no_progress",
    "sample",
]
