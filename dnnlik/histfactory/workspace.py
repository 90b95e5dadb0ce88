"""Reading pyhf workspaces. The only module that imports pyhf.

pyhf gives what must be exactly its own: the schema, patches and their digests,
the choice of the measurement, the order, suggested inits, bounds and fixed
flags of the parameters, and the constraint of each.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.constraints import Constraint, Normal, Poisson
from dnnlik.documents import read_json
from dnnlik.exceptions import DnnlikError, InvalidFile, InvalidLikelihood
from dnnlik.histfactory.specification import (
    HISTOSYS_CODES,
    NORMSYS_CODES,
    Cell,
    Modifier,
    Specification,
)
from dnnlik.parameters import Parameter
from dnnlik.typing import JSON

if TYPE_CHECKING:
    import pyhf

__all__ = ["constraints_of", "pyhf_model", "read_workspace", "specification_of"]


def read_workspace(
    path: str | Path, *, patchset: str | Path | None = None, patch: str | None = None
) -> JSON:
    """The workspace in a file, with one patch of a patchset applied.

    Args:
        path: the workspace (JSON).
        patchset: a pyhf patchset (JSON); its digest must be that of the workspace.
        patch: the name of one patch in it; needed exactly if ``patchset`` is given.

    Raises:
        InvalidFile: a missing file, no JSON, no workspace, a patchset made for
            another workspace, an unknown patch.
    """
    document = read_json(path)
    if "channels" not in document or "measurements" not in document:
        raise InvalidFile(
            "expected a pyhf workspace with channels, observations, measurements and version. "
            f"Received: {path} with {', '.join(sorted(document)) or 'no keys'}"
        )
    if (patchset is None) != (patch is None):
        raise InvalidFile(
            "a patchset and the name of one of its patches go together. "
            f"Received: patchset={patchset}, patch={patch}"
        )
    if patchset is None or patch is None:
        return document
    return _patched(document, path, read_json(patchset), patchset, patch)


def _patched(
    document: JSON, path: str | Path, patches: JSON, patchset: str | Path, name: str
) -> JSON:
    import pyhf

    try:
        loaded = pyhf.PatchSet(patches)
    except Exception as error:
        raise InvalidFile(
            f"the file is no pyhf patchset ({_line(error)}). Received: {patchset}"
        ) from error
    try:
        loaded.verify(document)
    except pyhf.exceptions.PatchSetVerificationError as error:
        raise InvalidFile(
            "the patchset was made for another workspace: its digest does not match. "
            f"Received: {patchset} for {path}"
        ) from error
    try:
        patched: JSON = loaded[name].apply(document)
    except pyhf.exceptions.InvalidPatchLookup as error:
        known = ", ".join(p.name for p in loaded.patches[:6])
        raise InvalidFile(
            f"the patchset has no patch of this name; it has {len(loaded.patches)}, such as "
            f"{known}. Received: {name!r}"
        ) from error
    except Exception as error:
        raise InvalidFile(
            f"the patch cannot be applied ({_line(error)}). Received: {name!r}"
        ) from error
    return patched


def specification_of(
    workspace: JSON,
    *,
    measurement: str | None = None,
    normsys_code: str = "code4",
    histosys_code: str = "code4p",
) -> Specification:
    """Translate a workspace into plain data, parameters in pyhf's order.

    Args:
        workspace: the JSON object of a pyhf workspace.
        measurement: name of the measurement; the first one by default.
        normsys_code: "code1" or "code4" (pyhf's default).
        histosys_code: "code0", "code2" or "code4p" (pyhf's default).

    Raises:
        InvalidLikelihood: the workspace cannot be made into a model.
    """
    _check_code(normsys_code, NORMSYS_CODES)
    _check_code(histosys_code, HISTOSYS_CODES)
    model, observations = pyhf_model(workspace, measurement)
    _check_finite(model.spec)
    config = model.config
    channels = tuple((name, int(config.channel_nbins[name])) for name in config.channels)
    columns = {
        name: range(config.par_slice(name).start, config.par_slice(name).stop)
        for name in config.par_order
    }
    return Specification(
        channels=channels,
        cells=tuple(_cells(model.spec, [name for name, _ in channels])),
        parameters=tuple(_parameters(config)),
        fixed=tuple(bool(flag) for flag in config.suggested_fixed()),
        columns=columns,
        observed=_counts(observations, channels),
        normsys_code=normsys_code,
        histosys_code=histosys_code,
    )


def _check_code(code: str, allowed: tuple[str, ...]) -> None:
    if code not in allowed:
        raise InvalidLikelihood(
            f"the interpolation code must be one of {', '.join(allowed)}. Received: {code!r}"
        )


def pyhf_model(
    workspace: JSON, measurement: str | None, **settings: Any
) -> tuple[pyhf.Model, JSON]:
    """pyhf's own model of a measurement, and the observations by channel.

    Args:
        workspace: the JSON object of a pyhf workspace.
        measurement: its name; the first one if None.
        settings: further arguments of ``pyhf.Workspace.model``.

    Raises:
        InvalidLikelihood: pyhf refuses, or there is no parameter of interest.
    """
    import pyhf

    try:
        with warnings.catch_warnings():
            # pyhf 0.7 validates through an interface that jsonschema is retiring.
            warnings.simplefilter("ignore", DeprecationWarning)
            # It takes logarithms of factors before anybody has checked them.
            warnings.simplefilter("ignore", RuntimeWarning)
            # Signal-only cells without background, as ATLAS writes some, fail pyhf's
            # schema (`validate`); the model itself is well defined.
            opened = pyhf.Workspace(workspace, validate=False)
            model = opened.model(measurement_name=measurement, validate=False, **settings)
            opened.data(model)
    except DnnlikError:
        raise
    except Exception as error:
        raise InvalidLikelihood(
            f"pyhf cannot make a model of the workspace. Received: {_line(error)}"
        ) from error
    if model.config.poi_name is None:
        raise InvalidLikelihood("the measurement names no parameter of interest. Received: poi ''")
    return model, opened.observations


def _check_finite(spec: JSON) -> None:
    for channel in spec["channels"]:
        for sample in channel["samples"]:
            try:
                json.dumps(sample, allow_nan=False)
            except ValueError as error:
                raise InvalidLikelihood(
                    f"sample {sample['name']!r} in channel {channel['name']!r} must hold finite "
                    "numbers only. Received: NaN or an infinity"
                ) from error


def _counts(observations: JSON, channels: Sequence[tuple[str, int]]) -> NDArray[np.float64]:
    # pyhf takes any number of any numbers, and spreads a single one over all bins.
    counts = [np.asarray(observations[name], dtype=np.float64) for name, _ in channels]
    for (name, bins), count in zip(channels, counts, strict=True):
        if count.shape != (bins,) or not (np.isfinite(count) & (count >= 0)).all():
            raise InvalidLikelihood(
                f"channel {name!r} needs {bins} observed counts of at least zero. "
                f"Received: {count.tolist()[:8]}"
            )
    return np.concatenate(counts)


def _line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return " ".join(text.split())[:300]


def _cells(spec: JSON, channels: list[str]) -> list[Cell]:
    by_name = {channel["name"]: channel for channel in spec["channels"]}
    return [_cell(name, sample) for name in channels for sample in by_name[name]["samples"]]


def _cell(channel: str, sample: JSON) -> Cell:
    # The same modifier twice on one sample: the last one counts, as in pyhf.
    unique = {(m["type"], m["name"]): m.get("data") for m in sample["modifiers"]}
    modifiers = tuple(Modifier(name, kind, data) for (kind, name), data in unique.items())
    return Cell(channel, sample["name"], np.asarray(sample["data"], dtype=np.float64), modifiers)


def _parameters(config: Any) -> list[Parameter]:
    rows = zip(
        config.par_names,
        config.suggested_init(),
        config.suggested_bounds(),
        constraints_of(config),
        strict=True,
    )
    return [
        Parameter(
            name, float(init), (float(b[0]), float(b[1])), constraint, name == config.poi_name
        )
        for name, init, b, constraint in rows
    ]


def constraints_of(config: Any) -> list[Constraint | None]:
    """The auxiliary measurement of each parameter of a ``pyhf.Model.config``, in its order."""
    return [c for name in config.par_order for c in _constraints(config.param_set(name))]


def _constraints(parameter_set: Any) -> list[Constraint | None]:
    size = parameter_set.n_parameters
    if not parameter_set.constrained:
        return [None] * size
    observed = np.asarray(parameter_set.auxdata, dtype=float)
    if parameter_set.pdf_type == "poisson":
        factors = np.asarray(parameter_set.factors, dtype=float)
        return [Poisson(float(a), float(f)) for a, f in zip(observed, factors, strict=True)]
    sigmas = getattr(parameter_set, "sigmas", None)
    widths = np.ones(size) if sigmas is None else np.asarray(sigmas, dtype=float)
    return [Normal(float(a), float(s)) for a, s in zip(observed, widths, strict=True)]
