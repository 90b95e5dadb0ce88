"""The files of an optimised analysis: what to publish, and what to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnlik.differentiable.events import Events
from dnnlik.differentiable.expression import parse_loss
from dnnlik.differentiable.impacts import expected_impacts
from dnnlik.differentiable.objectives import OBJECTIVES
from dnnlik.differentiable.observables import CategoryObservable, Network, NetworkObservable
from dnnlik.differentiable.optimisation import Optimised
from dnnlik.differentiable.workspace import hard_templates, workspace_of
from dnnlik.documents import plain, write_json
from dnnlik.environment import software_versions
from dnnlik.typing import JSON, Progress, no_progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["write_analysis"]

_COMPARED = 1000


def write_analysis(
    result: Optimised, folder: str | Path, *, progress: Progress = no_progress
) -> list[str]:
    """Write an optimised analysis; returns the names of the files.

    - ``history.json``: settings, versions, a record an epoch (null: not finite), and what the
      uncertainty of the best one is made of (`dnnlik.differentiable.impacts`)
    - ``bins.json``: edges or cuts
    - ``workspace.json``: the pyhf workspace of the held-out events in hard bins, unless the
      problem has ``widths``, which pyhf has not
    - ``observable.onnx``: the network, if there is one
    - figures, where matplotlib is installed: ``metrics.png``, ``templates.png``, and for two
      features and a network in bins ``contours.png``

    Files of these names that another analysis left in the folder, and that this one has not, are
    removed.
    """
    folder = Path(folder)
    names = _write(result, folder, progress)
    for name in set(_NAMES) - set(names):
        (folder / name).unlink(missing_ok=True)
    return names


_NAMES = (
    "history.json", "bins.json", "workspace.json", "observable.onnx", "metrics.png",
    "templates.png", "contours.png",
)  # fmt: skip


def _write(result: Optimised, folder: Path, progress: Progress) -> list[str]:
    write_json(folder / "history.json", _history(result))
    write_json(folder / "bins.json", result.observable.to_json())
    names = ["history.json", "bins.json"]
    if result.problem.widths:
        progress("no workspace.json: in pyhf every variation has a constraint of width 1", 0, 1)
    else:
        workspace = workspace_of(result.problem, result.observable, result.held_out)
        write_json(folder / "workspace.json", workspace)
        names.append("workspace.json")
    if isinstance(result.observable, Network):
        _write_network(result, result.observable, folder / "observable.onnx")
        names.append("observable.onnx")
    if find_spec("matplotlib") is None:
        progress("no figures: matplotlib is not installed (the extra `plots`)", 0, 1)
        return names
    return names + _write_figures(result, folder)


def _history(result: Optimised) -> JSON:
    impacts = expected_impacts(result.problem, result.observable, result.held_out)
    return {
        "problem": result.problem.name,
        "settings": asdict(result.settings),
        "observable": result.observable.to_json(),
        "best_epoch": result.best_epoch,
        "objectives": {name: o.description for name, o in OBJECTIVES.items()},
        "epochs": plain(result.history),
        "impacts": plain([part.to_json() for part in impacts]),
        "versions": software_versions(),
    }


def _write_network(result: Optimised, observable: Network, path: Path) -> None:
    from dnnlik.onnx.observable import write_observable

    parts = [result.held_out[name].features[:_COMPARED] for name in result.problem.names]
    features = np.concatenate(parts)
    metadata = {
        "problem": result.problem.name,
        "objective": result.settings.objective,
        **result.observable.to_json(),
    }
    write_observable(observable.exportable(), path, features, metadata)


def _write_figures(result: Optimised, folder: Path) -> list[str]:
    from dnnlik.plotting import analysis as plotting  # matplotlib is an extra
    from dnnlik.plotting.style import save_figures

    observable = result.observable
    yields, _ = hard_templates(result.problem, observable, result.held_out)
    categories = observable.names if isinstance(observable, CategoryObservable) else ()
    trained = parse_loss(result.settings.objective).names
    figures = {
        "metrics.png": plotting.figure_of_metrics(
            result.history, result.best_epoch, trained, result.settings.pretraining
        ),
        "templates.png": plotting.figure_of_templates(result.problem.channels, yields, categories),
    }
    if result.problem.features == 2 and isinstance(
        observable, NetworkObservable | CategoryObservable
    ):
        figures["contours.png"] = _contours(observable, result.held_out)
    save_figures(figures, folder)
    return list(figures)


def _contours(
    observable: NetworkObservable | CategoryObservable, held_out: Mapping[str, Events]
) -> Figure:
    from dnnlik.plotting import analysis as plotting

    def summary(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(observable.summary(np.asarray(points, np.float32)))

    events = {name: sample.features.astype(float) for name, sample in held_out.items()}
    edges = np.asarray(observable.binning.edges())
    if isinstance(observable, CategoryObservable):
        return plotting.figure_of_categories(summary, observable.names, edges, events)
    return plotting.figure_of_contours(summary, edges, events)
