"""dnnlik: likelihoods that travel.

Sample a pyhf or analytic likelihood, learn it, prove how good the copy is, publish it
as ONNX. The names below are loaded at first use, so that importing the package, or
opening a published likelihood, does not import TensorFlow.

- `open_likelihood`, `AnalyticLikelihood`, `Parameter`, `ParameterSet`, `Normal`,
  `Poisson`: what can be sampled
- `sample`, `Samples`: sampling into HDF5
- `train`, `TrainingSettings`, `SurrogateLikelihood`: learning
- `validate`, `Thresholds`: proving
- `load`: a published likelihood; `publish_exact`: a workspace as ONNX, exact; `PyhfModel`:
  any likelihood, called as a pyhf model is
- `combine`, `open_combination`: several likelihoods as one, by the names of parameters;
  `with_priors`, `with_constraints`: other closed-form terms; `reweighted`: samples under
  other priors
- `run`: all of it in one folder, restartable
- `dnnlik.inference`: fits, profiles, intervals on any of these
- `optimise`, `Problem`, `Events`: an analysis trained through its own inference
  (`dnnlik.differentiable`); `open_observable`: what was trained, for other events
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "AnalyticLikelihood": "dnnlik.likelihoods",
    "Events": "dnnlik.differentiable",
    "Normal": "dnnlik.constraints",
    "Parameter": "dnnlik.parameters",
    "ParameterSet": "dnnlik.parameters",
    "PyhfModel": "dnnlik.pyhf_interface",
    "Poisson": "dnnlik.constraints",
    "Problem": "dnnlik.differentiable",
    "Publication": "dnnlik.bundle.publication",
    "Samples": "dnnlik.sampling",
    "SurrogateLikelihood": "dnnlik.surrogate.likelihood",
    "Thresholds": "dnnlik.validation.thresholds",
    "TrainingSettings": "dnnlik.surrogate.settings",
    "combine": "dnnlik.combination",
    "learn": "dnnlik.workflow",
    "load": "dnnlik.bundle.reader",
    "open_combination": "dnnlik.combination",
    "open_likelihood": "dnnlik.likelihoods",
    "open_observable": "dnnlik.observable_files",
    "optimise": "dnnlik.differentiable",
    "reweighted": "dnnlik.reweighting",
    "publish_exact": "dnnlik.exact",
    "run": "dnnlik.workflow",
    "sample": "dnnlik.sampling",
    "search": "dnnlik.trials",
    "train": "dnnlik.surrogate.ensemble",
    "validate": "dnnlik.validation.validate",
    "with_constraints": "dnnlik.combination",
    "with_priors": "dnnlik.combination",
}

__all__ = ["__version__", *_WHERE]  # noqa: PLE0604 (the names are strings)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'dnnlik' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
