"""The finished analysis as a pyhf workspace: hard bins, plain numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.differentiable.analysis import Histograms, batches, histograms_of, model_of
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.fits import points_of
from dnnlik.differentiable.named import with_histograms
from dnnlik.differentiable.observables import Observable
from dnnlik.differentiable.problem import Problem
from dnnlik.documents import plain
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["hard_templates", "workspace_of"]

Array = NDArray[np.float64]


def hard_templates(
    problem: Problem, observable: Observable, events: Mapping[str, Events]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Yields, and statistical uncertainties where the model has them, in hard bins, by the
    name of the events."""
    found: Histograms = histograms_of(problem, observable, batches(problem, events), hard=True)
    yields, uncertainties = (
        {name: np.asarray(values) for name, values in part.items()} for part in found
    )
    return yields, uncertainties


def workspace_of(
    problem: Problem,
    observable: Observable,
    events: Mapping[str, Events],
    observed: Mapping[str, ArrayLike] | None = None,
) -> JSON:
    """A pyhf workspace of the templates that events make in hard bins.

    Args:
        problem, observable: the analysis.
        events: of every sample, by name.
        observed: counts (bins,) of each channel by name. Without them the observations are what
            is expected without signal, so that the observed CLs is the expected one that the
            training knows as ``cls``: that of the first parameter of interest, the others
            nominal.

    Raises:
        InvalidInput: the problem has ``widths``: in pyhf they are 1; or counts that are not
            those of its channels.

    >>> from dnnlik.differentiable import Cut, CutObservable
    >>> from dnnlik.differentiable.problems import cut_problem
    >>> problem, observable = cut_problem(1), CutObservable([Cut(0, 2.0, slope=10.0)])
    >>> workspace = workspace_of(problem, observable, problem.events, {"above": [250]})
    >>> workspace["observations"], [s["name"] for s in workspace["channels"][0]["samples"]]
    ([{'name': 'above', 'data': [250.0]}], ['signal', 'background'])
    """
    if problem.widths:
        raise InvalidInput(
            "a workspace has constraints of width 1 on variations. "
            f"Received: widths of {', '.join(sorted(problem.widths))}"
        )
    yields, uncertainties = hard_templates(problem, observable, events)
    channels = with_histograms(
        problem.channels,
        lambda name: yields[name].tolist(),
        lambda name: uncertainties[name].tolist(),
    )
    measurement = {
        "name": problem.name,
        "config": {"poi": problem.pois[0], "parameters": list(problem.parameters)},
    }
    model = model_of(problem, channels)
    none = points_of(model, {problem.pois[0]: 0.0})
    sizes = [size for _, size in model.channels]
    parts = np.split(model.expected_events(none).numpy()[0], np.cumsum(sizes)[:-1])
    counts = {name: part for (name, _), part in zip(model.channels, parts, strict=True)}
    if observed is not None:
        counts = _checked(observed, dict(model.channels))
    return {
        "channels": channels,
        "observations": [{"name": c["name"], "data": counts[c["name"]].tolist()} for c in channels],
        "measurements": [measurement],
        "version": "1.0.0",
    }


def _checked(observed: Mapping[str, ArrayLike], sizes: Mapping[str, int]) -> dict[str, Array]:
    """Counts as arrays, if they are those of channels of so many bins."""
    counts = {name: np.asarray(values, np.float64) for name, values in observed.items()}
    shapes = {name: values.shape for name, values in counts.items()}
    if shapes != {name: (size,) for name, size in sizes.items()}:
        raise InvalidInput(
            f"observed counts are those of the channels and bins {dict(sizes)}. "
            f"Received: shapes {shapes}"
        )
    if not all((np.isfinite(values) & (values >= 0)).all() for values in counts.values()):
        raise InvalidInput(f"observed counts are not negative. Received: {plain(counts)}")
    return counts
