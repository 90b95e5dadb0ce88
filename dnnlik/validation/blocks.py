"""Monte Carlo errors of whatever is computed from chains, by a bootstrap over whole walkers.

Points of one walker follow each other; walkers are independent (nearly, for an ensemble).
Drawing walkers again with replacement therefore keeps what autocorrelation does to an
error (Künsch, Ann. Statist. 17 (1989) 1217, with a walker for a block).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dnnlik.sampling.samples import Samples

__all__ = ["blocks_of", "bootstrap_error", "halves", "replicas"]

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

FEWEST = 40
"""Blocks at least: walkers are cut into equal pieces where there are fewer."""


def blocks_of(samples: Samples, fewest: int = FEWEST) -> Labels:
    """The block of each row, (n,), numbered from 0: its walker, or a piece of it."""
    _, walker = np.unique(
        np.stack([samples.chain, samples.walker], axis=1), axis=0, return_inverse=True
    )
    walker = walker.ravel()
    count = int(walker.max(initial=-1)) + 1
    pieces = max(1, -(-fewest // max(count, 1)))
    order = np.lexsort((samples.step, walker))
    sizes = np.bincount(walker, minlength=count)
    place = np.empty(len(walker), dtype=np.intp)
    place[order] = np.arange(len(walker)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    labels = walker * pieces + place * pieces // sizes[walker]
    return np.asarray(np.unique(labels, return_inverse=True)[1].ravel(), dtype=np.intp)


def halves(blocks: Labels) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Two halves of the points, of different blocks, as masks (n,)."""
    return blocks % 2 == 0, blocks % 2 == 1


def replicas(blocks: Labels, count: int, rng: np.random.Generator) -> Iterator[Array]:
    """How often each row is drawn when blocks are drawn with replacement: (n,), each time.

    >>> next(replicas(np.array([0, 0, 1]), 1, np.random.default_rng(1))).tolist()
    [1.0, 1.0, 1.0]
    """
    size = int(blocks.max()) + 1
    for _ in range(count):
        drawn = np.bincount(rng.integers(size, size=size), minlength=size)
        yield drawn[blocks].astype(float)


def bootstrap_error(
    measure: Callable[[Array], Array],
    blocks: Labels,
    *,
    rng: np.random.Generator | int,
    count: int = 60,
) -> Array:
    """Standard deviation of a measure over bootstrap replicas.

    Args:
        measure: from how often each row counts, (n,), to numbers of any shape.
        blocks: (n,) labels from 0, see `blocks_of`.
        rng: generator, or a seed.
        count: replicas; 60 give an error to a tenth of itself.

    >>> x = np.random.default_rng(0).normal(size=400)
    >>> error = bootstrap_error(lambda c: np.average(x, weights=c), np.arange(400), rng=1)
    >>> 0.03 < float(error) < 0.07
    True
    """
    generator = np.random.default_rng(rng)
    found = [measure(counts) for counts in replicas(blocks, count, generator)]
    return np.asarray(np.std(found, axis=0, ddof=1))
