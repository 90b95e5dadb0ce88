"""Opening a likelihood by the name of its file."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from dnnlik.documents import digest_of
from dnnlik.exceptions import DnnlikError, InvalidFile, InvalidLikelihood
from dnnlik.likelihoods.analytic import AnalyticLikelihood
from dnnlik.likelihoods.base import Likelihood

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
    raise InvalidFile(
        "a likelihood is a pyhf workspace (.json) or a Python file (.py) that defines "
        f"likelihood(). Received: {path}"
    )


def _from_python(path: Path) -> Likelihood:
    module = _run(path)
    make = getattr(module, "likelihood", None)
    if not callable(make):
        raise InvalidLikelihood(f"the file must define a function likelihood(). Received: {path}")
    try:
        likelihood = make()
    except DnnlikError:
        raise
    except Exception as error:
        raise InvalidLikelihood(
            f"likelihood() of {path} failed. Received: {_line(error)}"
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


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise InvalidFile(f"there is no such file. Received: {path}")
    name = f"_dnnlik_likelihood_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidFile(f"the file cannot be run as Python. Received: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except DnnlikError:
        raise
    except (Exception, SystemExit) as error:
        raise InvalidLikelihood(f"{path} cannot be run. Received: {_line(error)}") from error
    return module


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
