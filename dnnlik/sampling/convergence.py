"""Has a chain converged? Autocorrelation within, agreement between ensembles.

`effective` has the rank-based measures of independent chains.
"""

from __future__ import annotations

import emcee
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from dnnlik.sampling.effective import effective_size

_WINDOW = 5  # of emcee: the shortest that is five times its own result

__all__ = ["autocorrelation_time", "effective_sizes", "r_hat", "stored_autocorrelation_time"]


def autocorrelation_time(chain: NDArray[np.float64], thin: int = 1) -> NDArray[np.float64]:
    r"""Integrated autocorrelation time of each parameter, in steps of the chain.

    ``chain`` (stored steps, walkers, d), every ``thin``-th step → (d,). emcee's
    estimator (arXiv:1202.3665; Goodman & Weare 2010), with the autocorrelation
    function averaged over the walkers, gives the time :math:`\tau_s` in stored steps.
    Thinned by more than a time that is 1, whatever the time was; so it is taken back
    to steps as for an exponential autocorrelation, :math:`\tau_s=\coth(t/\tau)` for
    thinning t, which tends to :math:`t\tau_s` where :math:`\tau_s` is large.
    """
    stored = stored_autocorrelation_time(chain)
    return np.asarray(thin / np.arctanh(1.0 / np.maximum(stored, 1.0 + 1e-6)))


def stored_autocorrelation_time(chain: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same in stored steps, at least 1: points over effective points.

    `emcee.autocorr.integrated_time` for all walkers of a parameter at once: that loops
    over them, which took a third of the time of a whole sample.
    """
    moved = np.ptp(chain, axis=0) > 0
    # A walker that never moved among others has no autocorrelation: the whole chain.
    tau = np.where(moved.any(axis=0), float(len(chain)), 1.0)
    for i in np.flatnonzero(moved.all(axis=0)):
        tau[i] = _integrated_time(chain[:, :, i])
    return np.maximum(tau, 1.0)


def _integrated_time(chain: NDArray[np.float64]) -> float:
    """2 Σ ρ - 1 up to emcee's window, ρ averaged over the walkers: (steps, walkers) → number."""
    steps = len(chain)
    size = fft.next_fast_len(2 * steps, real=True)
    power = np.abs(fft.rfft(chain - chain.mean(axis=0), size, axis=0)) ** 2
    covariance = fft.irfft(power, size, axis=0)[:steps]
    correlation = (covariance / covariance[0]).mean(axis=1)
    times = 2.0 * np.cumsum(correlation) - 1.0
    return float(times[emcee.autocorr.auto_window(times, _WINDOW)])


def r_hat(chains: list[NDArray[np.float64]], tau: NDArray[np.float64]) -> NDArray[np.float64]:
    """Potential scale reduction between independent ensembles, each parameter.

    Gelman & Rubin (1992) with an ensemble as one chain (its walkers are not
    independent of each other): ``sqrt(1 + B/W)`` of the between-ensemble variance B
    of the means, in excess of the Monte-Carlo error that ``tau`` (d,), in stored
    steps, predicts. ``chains`` are (steps, walkers, d) each.
    """
    flat = [chain.reshape(-1, chain.shape[2]) for chain in chains]
    within = np.mean([points.var(axis=0, ddof=1) for points in flat], axis=0)
    between = np.var([points.mean(axis=0) for points in flat], axis=0, ddof=1)
    expected = np.mean([within * tau / len(points) for points in flat], axis=0)
    excess = np.maximum(between - expected, 0.0)
    return np.asarray(np.sqrt(1.0 + excess / np.where(within > 0, within, 1.0)))


def effective_sizes(chain: NDArray[np.float64]) -> NDArray[np.float64]:
    """`effective_size` of each parameter of a chain (steps, walkers, d) → (d,)."""
    return np.array([effective_size(chain[:, :, column]) for column in range(chain.shape[2])])
