"""Blocks of chains, and errors from drawing them again."""

import numpy as np
import pytest

from dnnlik.validation.blocks import blocks_of, bootstrap_error, replicas


def test_a_walker_is_a_block(gaussian, sampled):
    """With enough walkers each is one block, whatever the order of the rows."""
    samples = sampled(gaussian([0, 0], np.eye(2)), walkers=50, steps=7)
    blocks = blocks_of(samples)
    assert np.bincount(blocks).tolist() == [7] * 50
    assert all(len(set(samples.walker[blocks == b])) == 1 for b in range(50))
    order = np.random.default_rng(0).permutation(350)
    assert (blocks_of(samples.rows(order)) == blocks[order]).all()


def test_few_walkers_are_cut_into_pieces_in_time(gaussian, sampled):
    """Five walkers give at least forty blocks, each of consecutive steps."""
    samples = sampled(gaussian([0, 0], np.eye(2)), walkers=5, steps=80)
    blocks = blocks_of(samples)
    assert blocks.max() + 1 == 40
    for block in range(40):
        steps = np.sort(samples.step[blocks == block])
        assert (np.diff(steps) == 1).all()


def test_correlated_points_count_once():
    """Points that are equal within a walker: the error of the mean is that of the walkers."""
    rng = np.random.default_rng(1)
    walkers, steps = 200, 50
    values = np.repeat(rng.normal(size=walkers), steps)
    blocks = np.repeat(np.arange(walkers), steps)
    error = bootstrap_error(lambda c: np.average(values, weights=c), blocks, rng=2, count=400)
    assert float(error) == pytest.approx(values.std() / np.sqrt(walkers), rel=0.12)


def test_replicas_draw_whole_blocks():
    """Rows of one block count alike, and blocks are drawn as often as there are any."""
    blocks = np.array([0, 1, 1, 2, 2, 2])
    for counts in replicas(blocks, 20, np.random.default_rng(0)):
        assert counts[1] == counts[2]
        assert counts[3] == counts[5]
        assert counts[[0, 1, 3]].sum() == 3
