"""The tensor program against pyhf with NumPy and with JAX, in turn in one run.

    python -m pip install jax
    python benchmarks/histfactory.py [--rounds 7] [--scaling]

For each workspace, at batches of 256 and 1: microseconds a point of pyhf's logpdf and
of ours, value alone and with its gradient, both from NumPy arrays to NumPy arrays, and
the ratio (median over rounds of pyhf's time by ours). pyhf's NumPy backend has no
gradient. JAX runs in float64 under ``jit(vmap(...))``.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pyhf
from timing import in_turn, ratio
from workspaces import DATA, REAL, generated, real

from dnnlik.likelihoods import open_likelihood
from dnnlik.likelihoods.histfactory import HistFactoryLikelihood

BATCH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scaling", action="store_true", help="generated workspaces of many sizes")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    cases = {name: real(name) for name in REAL} if DATA.is_dir() else {}
    cases["generated 220p 44b"] = generated(220, 44)
    if options.scaling:
        cases = {
            f"generated {p}p {b}b": generated(p, b)
            for p, b in ((50, 12), (100, 12), (200, 12), (400, 12), (200, 44), (300, 120))
        }
    print(
        "| workspace | parameters | bins | batch | quantity | pyhf NumPy | pyhf NumPy batched "
        "| pyhf JAX | ours | NumPy by ours | JAX by ours | largest difference |"
    )
    print("|" + "---|" * 12)
    for name, workspace in cases.items():
        for line in compare(name, workspace, options.rounds):
            print(line, flush=True)


def compare(name: str, workspace: dict[str, Any], rounds: int) -> list[str]:
    """The table rows of one workspace."""
    likelihood = opened(workspace)
    points = near_the_inits(likelihood)
    full = likelihood.all_parameters(points)
    p = likelihood.parameters
    head = f"| {name} | {len(p)} | {likelihood.specification.bins}"
    theirs = PyhfFunctions(workspace, full)
    difference = np.abs(likelihood.log_likelihood(points) / theirs.reference() - 1).max()
    rows = []
    for size, batch in ((BATCH, points), (1, points[:1])):
        functions = {
            "numpy": theirs.numpy(),
            "batched": theirs.batched(size),
            "jax": theirs.jax_value(size),
            "ours": lambda batch=batch: likelihood.log_likelihood(batch),
        }
        times = a_point(in_turn(functions, rounds=rounds), size)
        rows.append(f"{head} | {size} | value | {cells(times)} | {difference:.0e} |")
        functions = {
            "jax": theirs.jax_gradient(size),
            "ours": lambda batch=batch: likelihood.value_and_gradient(batch),
        }
        times = a_point(in_turn(functions, rounds=rounds), size)
        rows.append(f"{head} | {size} | value and gradient | {cells(times)} | |")
    return rows


def a_point(times: dict[str, list[float]], size: int) -> dict[str, list[float]]:
    """Microseconds a point; pyhf's NumPy model without batches is called with one."""
    return {
        name: [1e6 * t / (1 if name == "numpy" else size) for t in ts] for name, ts in times.items()
    }


def cells(times: dict[str, list[float]]) -> str:
    """Microseconds a point of each, and the ratios."""
    names = ("numpy", "batched", "jax", "ours")
    numbers = [f"{median(times[name]):.1f}" if name in times else "" for name in names]
    ratios = [f"{ratio(times, n, 'ours'):.1f}" if n in times else "" for n in ("numpy", "jax")]
    return " | ".join([*numbers, *ratios])


def opened(workspace: dict[str, Any]) -> HistFactoryLikelihood:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workspace.json"
        path.write_text(json.dumps(workspace))
        return open_likelihood(path)


def near_the_inits(likelihood: HistFactoryLikelihood) -> np.ndarray:
    """A batch of points where every rate is positive."""
    p, rng = likelihood.parameters, np.random.default_rng(1)
    points = np.empty((0, len(p)))
    while len(points) < BATCH:
        more = p.inits + 0.3 * p.scales * rng.normal(size=(BATCH, len(p)))
        more = np.clip(more, p.lower + 1e-6, p.upper)
        points = np.concatenate([points, more[np.isfinite(likelihood.log_likelihood(more))]])
    return points[:BATCH]


class PyhfFunctions:
    """pyhf's logpdf on the same points, as functions without arguments."""

    def __init__(self, workspace: dict[str, Any], points: np.ndarray) -> None:
        self.workspace = pyhf.Workspace(workspace, validate=False)
        self.points = points
        pyhf.set_backend("numpy")
        self.model = self.workspace.model(validate=False)
        self.data = np.array(self.workspace.data(self.model))

    def reference(self) -> np.ndarray:
        return np.array([self.model.logpdf(point, self.data)[0] for point in self.points])

    def numpy(self) -> Callable[[], object]:
        """One point, as a sampler without batches asks for it."""

        def one() -> object:
            pyhf.set_backend("numpy")
            return self.model.logpdf(self.points[0], self.data)

        return one

    def batched(self, size: int) -> Callable[[], object]:
        pyhf.set_backend("numpy")
        model = self.workspace.model(validate=False, batch_size=size)
        data = np.tile(self.data, (size, 1))
        points = self.points[:size]

        def value() -> object:
            pyhf.set_backend("numpy")
            return model.logpdf(points, data)

        return value

    def jax_value(self, size: int) -> Callable[[], object]:
        return self._jax(size, lambda jax, f: f)

    def jax_gradient(self, size: int) -> Callable[[], object]:
        return self._jax(size, lambda jax, f: jax.value_and_grad(f))

    def _jax(self, size: int, transform: Callable[[Any, Any], Any]) -> Callable[[], object]:
        import jax

        jax.config.update("jax_enable_x64", True)
        pyhf.set_backend("jax", precision="64b")
        model = self.workspace.model(validate=False)
        data = jax.numpy.asarray(self.data)
        function = transform(jax, lambda point: model.logpdf(point, data)[0])
        compiled = jax.jit(jax.vmap(function)) if size > 1 else jax.jit(function)
        points = self.points[:size] if size > 1 else self.points[0]

        def call() -> object:
            return jax.tree_util.tree_map(np.asarray, compiled(points))

        call()  # traced while its backend is set
        return call


if __name__ == "__main__":
    main()
