"""Opening a likelihood by the name of its file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from dnnlik.documents import digest_of
from dnnlik.exceptions import DnnlikError, InvalidFile, InvalidLikelihood
from dnnlik.likelihoods.analytic import AnalyticLikelihood
from dnnlik.likelihoods.base import Likelihood
from dnnlik.user_files import line_of, run_file

__all__ = ["open_likelihood"]


def open_likelihood(
    path: str | Path,
    *,
    patchset: str | Path | None = None,
    patch: str | None = None,
    measurement: str | None = None,
    normsys_code: str = "code4",
    histosys_code: str = "code4p",
) -> Likelihood:
    """Open a pyhf workspace (``.json``) or a Python file (``.py``).

    Published likelihoods are opened by `dnnlik.load`, combinations by
    `dnnlik.open_combination`.

    Args:
        path: a pyhf workspace, or a Python file that defines ``likelihood()``
            returning an `AnalyticLikelihood`. Opening a Python file runs it.
        patchset, patch: a pyhf patchset and the name of one of its patches.
        measurement: the measurement of the workspace; the first by default.
        normsys_code, histosys_code: interpolation codes; pyhf's by default.

    Raises:
        InvalidFile: a missing file, or one that holds no likelihood.
        InvalidLikelihood: a workspace or a function that cannot be used.
    """
    path = Path(path)
    if path.suffix == ".py":
        if patchset or patch or measurement:
            raise InvalidLikelihood(
                f"patches and measurements belong to workspaces (.json). Received: {path}"
            )
        return _from_python(path)
    if path.suffix == ".json":
        from dnnlik.histfactory.workspace import read_workspace, specification_of
        from dnnlik.likelihoods.histfactory import HistFactoryLikelihood

        workspace = read_workspace(path, patchset=patchset, patch=patch)
        specification = specification_of(
            workspace,
            measurement=measurement,
            normsys_code=normsys_code,
            histosys_code=histosys_code,
        )
        choices = [measurement, normsys_code, histosys_code]
        return HistFactoryLikelihood(specification, digest=digest_of([workspace, choices]))
    if not path.exists():
        raise InvalidFile(f"there is no such file or folder. Received: {path}")
    raise InvalidFile(
        "a likelihood is a pyhf workspace (.json) or a Python file (.py) that defines "
        f"likelihood(). Received: {path}"
    )


def _from_python(path: Path) -> Likelihood:
    module = run_file(path, InvalidLikelihood)
    make = getattr(module, "likelihood", None)
    if not callable(make):
        raise InvalidLikelihood(f"the file must define a function likelihood(). Received: {path}")
    try:
        likelihood = make()
    except DnnlikError:
        raise
    except Exception as error:
        raise InvalidLikelihood(
            f"likelihood() of {path} failed. Received: {line_of(error)}"
        ) from error
    if not isinstance(likelihood, Likelihood):
        raise InvalidLikelihood(
            f"likelihood() of {path} must return a dnnlik.AnalyticLikelihood. "
            f"Received: a {type(likelihood).__name__}"
        )
    if isinstance(likelihood, AnalyticLikelihood):
        # The file, what the author says identifies the data it reads, and, because few
        # authors do, a few values.
        text = path.read_bytes() + likelihood.digest.encode() + _fingerprint(likelihood)
        likelihood.digest = hashlib.sha256(text).hexdigest()
    return likelihood


def _fingerprint(likelihood: AnalyticLikelihood) -> bytes:
    """Nine digits of ``log_main`` at three fixed points near the start."""
    p = likelihood.parameters
    moved = p.inits + np.array([[0.0], [0.1], [-0.1]]) * p.scales
    values = likelihood.log_main(np.clip(moved, p.lower, p.upper))
    return " ".join(f"{value:.9g}" for value in values).encode()
