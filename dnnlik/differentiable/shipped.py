"""The problems that ship, and those in files of users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dnnlik.differentiable.binning import Binning, check_bins
from dnnlik.differentiable.edges import TrainableEdges
from dnnlik.differentiable.methods import METHODS
from dnnlik.differentiable.network import dense_network
from dnnlik.differentiable.observables import (
    CategoryObservable,
    Cut,
    CutObservable,
    NetworkObservable,
    Observable,
    category_edges,
)
from dnnlik.differentiable.problem import Problem
from dnnlik.differentiable.problems import (
    blobs_problem,
    cut_problem,
    mixture_problem,
    normals_problem,
    resonance_problem,
    two_signals_problem,
)
from dnnlik.exceptions import DnnlikError, InvalidInput
from dnnlik.user_files import line_of, run_file

__all__ = ["SHIPPED", "network_observable", "observable_of", "open_problem"]


def network_observable(
    problem: Problem,
    bins: int = 5,
    *,
    layers: Sequence[int] = (128, 128, 128, 128),
    seed: int = 0,
    bandwidth: float = 0.09,
    train_edges: bool = False,
) -> NetworkObservable | CategoryObservable:
    """A dense network with a sigmoid, in equal bins from 0 to 1; of several parameters of interest
    one with categories, each in equal bins, for the background and each signal."""
    check_bins(bins)
    names = ("background", *problem.pois)
    several = len(names) > 2
    edges: Any = category_edges(len(names), bins) if several else np.linspace(0.0, 1.0, bins + 1)
    binning = Binning(TrainableEdges(edges) if train_edges else edges, bandwidth)
    events = [problem.events[name] for name in problem.names]
    if several:
        network = dense_network(events, layers, output="linear", outputs=len(names), seed=seed)
        return CategoryObservable(network, binning, names)
    return NetworkObservable(dense_network(events, layers, seed=seed), binning)


SHIPPED: dict[str, Callable[..., Problem]] = {
    "blobs": blobs_problem,
    "cut": cut_problem,
    "mixture": mixture_problem,
    "normals": normals_problem,
    "resonance": resonance_problem,
    "two_signals": two_signals_problem,
}
"""Problems by name, made with a seed."""


def observable_of(
    problem: Problem,
    objective: str,
    make: Callable[..., Observable],
    *,
    bins: int | None = None,
    layers: Sequence[int] | None = None,
    seed: int = 0,
    bandwidth: float | None = None,
    train_edges: bool = False,
) -> Observable:
    """What is trained: the observable of a method, where the objective is one, else that which
    ``make`` (see `open_problem`) makes; both with their own numbers where none are given."""
    # Not handed over unless asked for: functions of users need not have it.
    hidden: dict[str, Any] = {} if layers is None else {"layers": layers}
    if make is _cut_observable and (bins or bandwidth is not None or train_edges):
        raise InvalidInput(
            "the problem cut has one bin, and neither bandwidth nor edges. "
            f"Received: bins={bins}, bandwidth={bandwidth}, train_edges={train_edges}"
        )
    if objective not in METHODS:
        width = 0.09 if bandwidth is None else bandwidth
        return make(
            problem, 5 if bins is None else bins, seed=seed, bandwidth=width,
            train_edges=train_edges, **hidden,
        )  # fmt: skip
    if bandwidth is not None or train_edges:
        raise InvalidInput(
            f"the histogram of {objective} has no bandwidth and no trained edges. "
            f"Received: bandwidth={bandwidth}, train_edges={train_edges}"
        )
    if make not in (network_observable, _cut_observable):
        raise InvalidInput(
            f"{objective} has an observable of its own, and so has the file: choose another "
            f"objective, or leave out its observable(...). Received: {objective}"
        )
    method = METHODS[objective]
    return method.observable(problem, method.bins if bins is None else bins, seed=seed, **hidden)


def open_problem(
    name: str | Path, seed: int = 0, *, benchmark: int | None = None
) -> tuple[Problem, Callable[..., Observable]]:
    """A problem that ships, by name, or one in a Python file, with what makes its observable.

    ``benchmark``: which one of the mixture's.

    The file defines ``problem(seed)`` returning a `Problem`, and may define
    ``observable(problem, bins, seed=..., bandwidth=..., train_edges=...)``.

    Raises:
        InvalidFile, InvalidInput: no such problem, or a file that fails.
    """
    if benchmark is not None and str(name) != "mixture":
        raise InvalidInput(f"only the mixture has benchmarks. Received: {benchmark} for {name}")
    if str(name) in SHIPPED:
        observable = _cut_observable if str(name) == "cut" else network_observable
        options = {} if benchmark is None else {"benchmark": benchmark}
        return SHIPPED[str(name)](seed, **options), observable
    path = Path(name)
    if path.suffix != ".py":
        raise InvalidInput(
            f"a problem is one of {', '.join(SHIPPED)}, or a Python file that defines "
            f"problem(seed). Received: {name}"
        )
    module = run_file(path)
    make = getattr(module, "problem", None)
    if not callable(make):
        raise InvalidInput(f"the file must define a function problem(seed). Received: {path}")
    try:
        problem = make(seed)
    except DnnlikError:
        raise
    except (Exception, SystemExit) as error:
        raise InvalidInput(f"problem(seed) of {path} failed. Received: {line_of(error)}") from error
    if not isinstance(problem, Problem):
        raise InvalidInput(
            f"problem(seed) of {path} must return a dnnlik Problem. "
            f"Received: a {type(problem).__name__}"
        )
    own = getattr(module, "observable", None)
    return problem, network_observable if own is None else _checked(own, path)


def _checked(make: Any, path: Path) -> Callable[..., Observable]:
    """What makes an observable, with one line where it fails."""

    def made(*arguments: Any, **options: Any) -> Observable:
        try:
            observable = make(*arguments, **options)
        except DnnlikError:
            raise
        except (Exception, SystemExit) as error:
            raise InvalidInput(
                "observable(problem, bins, seed, bandwidth, train_edges) "
                f"of {path} failed. Received: {line_of(error)}"
            ) from error
        if not isinstance(observable, Observable):
            raise InvalidInput(
                f"observable(...) of {path} must return an observable of dnnlik, or with its "
                f"methods. Received: a {type(observable).__name__}"
            )
        return observable

    return made


def _cut_observable(
    problem: Problem, bins: int = 1, *, layers: Sequence[int] | None = None, **_: Any
) -> CutObservable:
    check_bins(bins)
    if layers is not None:
        raise InvalidInput(f"a cut has no layers. Received: {','.join(map(str, layers))}")
    # The optimum of a soft cut is below that of the hard one, the more the flatter it is.
    return CutObservable([Cut(feature=0, start=3.0, slope=10.0)])
