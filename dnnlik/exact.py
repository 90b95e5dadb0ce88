"""A workspace published as it is: exact, as ONNX, without samples or training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.bundle.checksums import sha256_of
from dnnlik.bundle.exact import ExactSource, write_exact_bundle
from dnnlik.bundle.folder import check_replaceable
from dnnlik.bundle.publication import Publication
from dnnlik.exceptions import InvalidLikelihood
from dnnlik.histfactory.independent import independent_likelihood
from dnnlik.histfactory.workspace import read_workspace
from dnnlik.inference.asimov import AsimovCurves, asimov_curves
from dnnlik.inference.fit import fit
from dnnlik.inference.result import FitResult
from dnnlik.likelihoods import open_likelihood
from dnnlik.likelihoods.histfactory import HistFactoryLikelihood
from dnnlik.onnx.checks import Verification
from dnnlik.onnx.verify_exact import Expected
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Progress, no_progress

__all__ = ["POINTS", "ExactBundle", "publish_exact", "verification_points"]

Array = NDArray[np.float64]

POINTS = 128
"""Points to verify at: pyhf takes some milliseconds for each."""

_SPREADS = (0.3, 1.0, 2.0)
"""Widths of the cloud of points, in natural lengths of the parameters."""


@dataclass(frozen=True)
class ExactBundle:
    """What `publish_exact` left behind.

    Attributes:
        folder: the bundle.
        likelihood: digest of the likelihood.
        parameters: their number.
        verification: how the graph compares with other programs.
        without_asimov_curve: by the name of a parameter of interest, why limits on it fall back
            on Wald's approximation.
    """

    folder: Path
    likelihood: str
    parameters: int
    verification: Verification
    without_asimov_curve: dict[str, str]


def publish_exact(
    workspace: str | Path,
    folder: str | Path,
    *,
    patchset: str | Path | None = None,
    patch: str | None = None,
    measurement: str | None = None,
    publication: Publication | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> ExactBundle:
    """Publish a pyhf workspace as an exact ONNX graph in a bundle.

    The graph is compared with pyhf (values) and with the TensorFlow program (gradients) at 128
    random points, to 1e-9; fits of the Asimov dataset give the table that limits need.

    Args:
        workspace, patchset, patch, measurement: as of `dnnlik.open_likelihood`.
        folder: of the bundle; an existing bundle is replaced.
        publication: title, authors, licence.
        seed: of the points.
        progress: told what is done.

    Raises:
        InvalidFile, InvalidLikelihood: no workspace, or one that cannot be used.
        NotGoodEnough: the graph differs from the other programs.

    Example::

        made = dnnlik.publish_exact("workspace.json", "bundle")
        dnnlik.load(made.folder).log_likelihood(points)
    """
    check_replaceable(Path(folder))
    likelihood = _opened(workspace, patchset=patchset, patch=patch, measurement=measurement)
    progress("fitting", 0, 1)
    best = fit(likelihood)
    curves = _curves(likelihood, best, progress)
    document = read_workspace(workspace, patchset=patchset, patch=patch)
    progress("comparing with pyhf", 0, 1)
    points = verification_points(likelihood.parameters, best.point, seed)
    expected = _expected(likelihood, document, measurement, points)
    progress("writing and verifying the bundle", 0, 1)
    settings = _settings(likelihood, measurement or document["measurements"][0]["name"])
    provenance = _provenance(likelihood, workspace, patchset, patch, seed)
    source = ExactSource(likelihood.description, settings, provenance, curves.curves)
    publication = publication or Publication(f"Exact likelihood {Path(workspace).stem}")
    verification = write_exact_bundle(folder, source, expected, publication)
    size = len(likelihood.parameters)
    return ExactBundle(Path(folder), likelihood.digest, size, verification, curves.reasons)


def _opened(workspace: str | Path, **choice: Any) -> HistFactoryLikelihood:
    likelihood = open_likelihood(workspace, **choice)
    if not isinstance(likelihood, HistFactoryLikelihood):
        raise InvalidLikelihood(
            "only a workspace (.json) has a closed form to publish; for other likelihoods train a "
            f"surrogate. Received: {workspace}"
        )
    return likelihood


def _curves(likelihood: HistFactoryLikelihood, best: FitResult, progress: Progress) -> AsimovCurves:
    return asimov_curves(
        likelihood,
        best=best if best.converged else None,
        each=lambda name: progress(f"limits on {name} from the Asimov dataset", 0, 1),
    )


def verification_points(parameters: ParameterSet, best: Array, seed: int) -> Array:
    """Points to verify at, (128, d): inits and best fit, where systematics have their kinks and
    users their answers; clouds around the best fit; some beyond an upper bound."""
    rng = np.random.default_rng(seed)
    widths = np.resize(np.repeat(_SPREADS, POINTS // len(_SPREADS)), POINTS)
    steps = widths[:, None] * parameters.scales * rng.normal(size=(POINTS, len(parameters)))
    points = np.clip(best + steps, parameters.lower, parameters.upper)
    points[0], points[1] = parameters.inits, best
    bounded = np.flatnonzero(np.isfinite(parameters.upper))
    for row in range(7, POINTS, 8) if bounded.size else ():
        column = rng.choice(bounded)
        points[row, column] = parameters.upper[column] + 0.1 * parameters.scales[column]
    return np.asarray(points)


def _expected(
    likelihood: HistFactoryLikelihood, document: Any, measurement: str | None, points: Array
) -> Expected:
    independent = independent_likelihood(document, measurement=measurement)
    _, gradient = likelihood.value_and_gradient(points)
    return Expected(
        points=points,
        log_likelihood=independent.values(likelihood.all_parameters(points)),
        gradient=gradient,
        value_source=independent.source,
        gradient_source="automatic differentiation in TensorFlow",
    )


def _settings(likelihood: HistFactoryLikelihood, measurement: str) -> dict[str, Any]:
    specification = likelihood.specification
    return {
        "measurement": measurement,
        "normsys_code": specification.normsys_code,
        "histosys_code": specification.histosys_code,
        "fixed": likelihood.fixed_values,
    }


def _provenance(
    likelihood: HistFactoryLikelihood,
    workspace: str | Path,
    patchset: str | Path | None,
    patch: str | None,
    seed: int,
) -> dict[str, Any]:
    files = [("workspace", workspace), *([("patchset", patchset)] if patchset else [])]
    return {
        "likelihood": likelihood.digest,
        "sources": [
            {"role": role, "file": Path(file).name, "sha256": sha256_of(file)}
            for role, file in files
        ],
        "patch": patch,
        "seeds": {"points": seed},
    }
