"""Rank-based convergence of many chains (Vehtari et al., arXiv:1903.08008).

One parameter at a time: ``chains`` is (steps, chains) throughout, and each chain is cut
into halves, so that one that drifts disagrees with itself. All of it takes chains for
independent. Those of Hamiltonian Monte Carlo are; the walkers of an ensemble are not,
so that there the sizes hold as far as their correlation is small (emcee's own time
neglects it too), and R-hat is taken between whole ensembles instead (`convergence`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special, stats

__all__ = ["bulk_size", "effective_size", "rank_r_hat", "tail_size"]

Array = NDArray[np.float64]


def effective_size(chains: Array) -> float:
    r"""Independent points that give the mean as well: (steps, chains) → a number.

    With n steps in each of m half chains the size is :math:`mn/\tau`,
    :math:`\tau=-1+2\sum_k P_k` over Geyer's initial monotone sequence of
    :math:`P_k=\rho_{2k}+\rho_{2k+1}` (eqs. 11-13). The autocorrelation is taken about
    the mean of all chains and over the n - t pairs of each lag, so that chains which
    disagree are correlated for ever, as in eq. 10; but without its bias, which counts
    for a thousand chains of a few tens of steps. Chains whose neighbours are on
    opposite sides beat independent points; the size is at most mn log₁₀(mn).

    >>> chains = np.random.default_rng(0).normal(size=(1000, 4))
    >>> 3000 < effective_size(chains) < 6000
    True
    """
    halves = _halves(chains)
    covariance = _autocovariance(halves)
    if np.ptp(halves) == 0:
        return float(halves.size)
    correlation = covariance / covariance[0]
    pairs = correlation[: len(correlation) // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs < 0)
    kept = pairs[: negative[0]] if negative.size else pairs
    tau = -1 + 2 * np.minimum.accumulate(kept).sum()
    return float(halves.size / max(tau, 1 / np.log10(halves.size)))


def bulk_size(chains: Array) -> float:
    """`effective_size` of the rank-normalised chains: defined for any distribution."""
    return effective_size(_rank_normalised(chains))


def tail_size(chains: Array) -> float:
    """The smaller `effective_size` of the indicators of being below the 5 % and 95 %
    quantiles (section 4.3)."""
    low, high = np.quantile(chains, [0.05, 0.95])
    return min(effective_size((chains <= q).astype(float)) for q in (low, high))


def rank_r_hat(chains: Array) -> float:
    """The larger split R-hat of the rank-normalised chains and of their distances from
    the median (section 4.1): other places and other widths both show.

    >>> chains = np.random.default_rng(0).normal(size=(500, 4))
    >>> rank_r_hat(chains) < 1.02, rank_r_hat(chains * [1, 1, 1, 3]) > 1.05
    (True, True)
    """
    folded = np.abs(chains - np.median(chains))
    return max(_split_r_hat(_rank_normalised(x)) for x in (chains, folded))


def _split_r_hat(chains: Array) -> float:
    """The root of all variance over that within half chains (eq. 4)."""
    within, total = _variances(_halves(chains))
    if within == 0:
        return 1.0 if total == 0 else np.inf
    return float(np.sqrt(total / within))


def _halves(chains: Array) -> Array:
    half = len(chains) // 2
    return np.concatenate([chains[:half], chains[-half:]], axis=1)


def _variances(chains: Array) -> tuple[float, float]:
    """W and var⁺ (eqs. 1-3)."""
    n = len(chains)
    within = float(chains.var(axis=0, ddof=1).mean())
    return within, within * (n - 1) / n + float(chains.mean(axis=0).var(ddof=1))


def _autocovariance(chains: Array) -> Array:
    """About the mean of all, for each lag, (steps,), by Fourier transform."""
    n = len(chains)
    centred = chains - chains.mean()
    size = fft.next_fast_len(2 * n, real=True)
    power = np.square(np.abs(fft.rfft(centred, size, axis=0))).mean(axis=1)
    return np.asarray(fft.irfft(power, size)[:n] / np.arange(n, 0, -1))


def _rank_normalised(chains: Array) -> Array:
    """Normal scores of the ranks among all points (eq. 14, Blom 1958)."""
    ranks = stats.rankdata(chains).reshape(chains.shape)
    return np.asarray(special.ndtri((ranks - 0.375) / (ranks.size + 0.25)))
