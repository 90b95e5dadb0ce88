"""Do regions hold what they promise? Credible content, and confidence from toys.

Content: the probability, under one posterior, of the highest-density regions of the other.
Regions come from one half of the walkers and are filled with the other, so that no region is
judged by the points that made it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.inference import LEVELS, effective_sample_size, hpdi
from dnnlik.inference.toys import proportion
from dnnlik.validation.blocks import halves

__all__ = ["Content", "contents"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Content:
    """The content of a region.

    Attributes:
        region: name of the parameter of its interval, or "joint" for the level set of the
            log density.
        of, under: whose region, and whose probability: "exact" and "surrogate".
        level: what it should hold.
        content, error: what it holds, and the binomial error with effective sizes, of the
            points that fill the region and of those that made it.
    """

    region: str
    of: str
    under: str
    level: float
    content: float
    error: float


def contents(
    region: str,
    values: tuple[Array, Array],
    weights: Array,
    blocks: NDArray[np.intp],
    *,
    independence: float = 1.0,
    joint: bool = False,
) -> tuple[Content, ...]:
    """Contents of the regions of both posteriors under the other, at three levels.

    Args:
        values: (n,) what regions are made of, for the exact posterior and the surrogate's: the
            same parameter twice, or with ``joint`` their log densities.
        weights: (n,) that carry points of the exact posterior to the surrogate's.
        blocks: (n,), see `dnnlik.validation.blocks`.
        independence: effective over actual points.
    """
    make, fill = halves(blocks)
    both = {"exact": np.ones_like(weights), "surrogate": weights}
    found = []
    for of, under, x in (("surrogate", "exact", values[1]), ("exact", "surrogate", values[0])):
        sizes = [
            effective_sample_size(both[who][rows]) * independence
            for who, rows in ((of, make), (under, fill))
        ]
        for level in LEVELS:
            inside = _region(x, both[of], make, level, joint)
            w = both[under][fill]
            content = min(1.0, float(w @ inside[fill] / w.sum()))  # sums of weights round
            error = float(np.hypot(_binomial(content, sizes[0]), _binomial(content, sizes[1])))
            found.append(Content(region, of, under, level, content, error))
    return tuple(found)


def _region(x: Array, weights: Array, make: Mask, level: float, joint: bool) -> Mask:
    """Which points are in the region that a half of them makes."""
    if joint:
        order = np.argsort(-x[make], kind="stable")
        held = np.cumsum(weights[make][order]) / weights[make].sum()
        last = min(int(np.searchsorted(held, level)), held.size - 1)
        return np.asarray(x >= x[make][order][last])
    low, high = hpdi(x[make], [level], weights=weights[make])[0]
    return np.asarray((x >= low) & (x <= high))


def _binomial(fraction: float, size: float) -> float:
    count = max(int(size), 1)
    return float(proportion(fraction * count, count)[1])
