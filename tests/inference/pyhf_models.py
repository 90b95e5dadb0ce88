"""pyhf's side of the comparisons: small generated workspaces and published ones."""

import json
import logging
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyhf
import pytest

from dnnlik.inference import fit
from dnnlik.likelihoods import open_likelihood

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
TWO_REGIONS = ROOT / "likelihoods" / "two_regions" / "workspace.json"

FUNCTIONS = {
    "t": pyhf.infer.test_statistics.tmu,
    "ttilde": pyhf.infer.test_statistics.tmu_tilde,
    "q0": pyhf.infer.test_statistics.q0,
    "q": pyhf.infer.test_statistics.qmu,
    "qtilde": pyhf.infer.test_statistics.qmu_tilde,
}


@dataclass
class Pair:
    """A likelihood of ours, and pyhf's model and data of the same workspace."""

    name: str
    likelihood: Any
    model: Any
    data: list[float]

    def arguments(self, statistic):
        """pyhf's inits (our best fit, which some of its own fall short of), bounds
        (from 0 for the tilde statistics) and fixed flags."""
        bounds = list(self.model.config.suggested_bounds())
        poi = self.model.config.poi_index
        if statistic in ("ttilde", "qtilde"):
            bounds[poi] = (0.0, bounds[poi][1])
        start = self.likelihood.all_parameters(fit(self.likelihood).point[None])[0]
        start[poi] = np.clip(start[poi], *bounds[poi])
        return start.tolist(), bounds, self.model.config.suggested_fixed()

    def statistic(self, name, mu):
        """pyhf's test statistic."""
        with precise():
            return float(FUNCTIONS[name](mu, self.data, self.model, *self.arguments(name)))

    def hypotest(self, name, mu, **options):
        """pyhf's hypotest, with its calculator last."""
        init, bounds, fixed = self.arguments(name)
        with precise():
            return pyhf.infer.hypotest(
                mu, self.data, self.model, init, bounds, fixed, test_stat=name,
                return_expected_set=True, return_tail_probs=True, return_calculator=True,
                **options,
            )  # fmt: skip


@contextmanager
def precise():
    """pyhf with fits that go on to 1e-10 (by default SLSQP stops at 1e-6, which moves q of
    an Asimov dataset by up to 1e-4), and without warnings about bounds given on purpose."""
    logger = logging.getLogger("pyhf")
    level, (backend, optimizer) = logger.level, pyhf.get_backend()
    logger.setLevel(logging.ERROR)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-10))
    try:
        yield
    finally:
        logger.setLevel(level)
        pyhf.set_backend(backend, optimizer)


@cache
def pair_of(name, path, validate=True):
    """Both sides of a workspace file; the same ones for all tests, which compiles them once."""
    workspace = pyhf.Workspace(json.loads(path.read_text()), validate=validate)
    model = workspace.model(validate=validate)
    return Pair(name, open_likelihood(path), model, workspace.data(model))


def shared_pair(name):
    """One of the published workspaces, where they are."""
    path = SHARED / f"{name}.json"
    if not path.is_file():
        pytest.skip("the shared folder with published workspaces is absent")
    return pair_of(name, path, validate=False)


def workspace_of(signal, background, uncertainty, observed, lower=0.0):
    """One channel with an uncorrelated and a common background uncertainty."""
    samples = [
        {"name": "signal", "data": signal, "modifiers": [
            {"name": "mu", "type": "normfactor", "data": None},
            {"name": "theory", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}]},
        {"name": "background", "data": background, "modifiers": [
            {"name": "free", "type": "shapesys", "data": uncertainty},
            {"name": "scale", "type": "normsys", "data": {"hi": 1.07, "lo": 0.94}}]},
    ]  # fmt: skip
    poi = {"name": "mu", "bounds": [[lower, 12.0]], "inits": [1.0]}
    return {
        "version": "1.0.0",
        "channels": [{"name": "c", "samples": samples}],
        "observations": [{"name": "c", "data": observed}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": [poi]}}],
    }


GENERATED = {
    "excess": ([5.0, 9.0], [50.0, 40.0], [5.0, 3.0], [62.0, 55.0]),
    "deficit": ([5.0, 9.0], [50.0, 40.0], [5.0, 3.0], [43.0, 31.0]),
    "few": ([2.0, 1.0, 3.0], [1.5, 0.8, 2.0], [0.4, 0.3, 0.2], [1.0, 0.0, 3.0]),
    "expected": ([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [50.0, 52.0]),
}


@cache
def generated_pair(name, lower=0.0):
    """A small workspace of `GENERATED`, its poi from ``lower``; the same one for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workspace.json"
        path.write_text(json.dumps(workspace_of(*GENERATED[name], lower=lower)))
        return pair_of(name, path)
