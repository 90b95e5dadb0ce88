"""A complete sample file: what is in it, and reading it.

Layout, schema ``dnnlik.samples/1`` (N rows, d parameters; natural logs):

====================  ==========  =================================================
``points``            (N, d) f8   columns in the order of ``parameters``
``log_main`` ...      (N,) f8     also ``log_constraint`` and ``log_prior``
``gradient``          (N, d) f8   of ``log_main``; absent if the likelihood has none
``strategy``          (N,) u1     position in the attribute ``strategies``
``chain walker step`` (N,) i4/i8  where in which Markov chain
``maximum_point``     (d,) f8     of the log-likelihood; there, of ``log_main``:
``maximum_value`` ... f8          (1,), ``_gradient`` (d,), ``_hessian`` (d, d)
``rows_written``      (1,) i8     N when complete
``diagnostics``       (65536,) u1 JSON, padded with blanks
``asimov``            (4096 k,)   u1, JSON likewise: a list of `dnnlik.asimov.AsimovCurve`,
                                  of likelihoods with k parameters of interest that make
                                  their own data; else absent
====================  ==========  =================================================
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dnnlik.asimov import AsimovCurve, curves_from_json
from dnnlik.exceptions import InvalidFile
from dnnlik.parameters import ParameterSet
from dnnlik.typing import JSON, Gradients, Points, Values

__all__ = [
    "COLUMNS",
    "SCHEMA",
    "STRATEGIES",
    "Maximum",
    "Samples",
    "header_of",
    "opened",
    "schema_of",
]

SCHEMA = "dnnlik.samples/1"
STRATEGIES = ("unbiased", "profiled", "tempered", "boundary", "refined")
"""What the rows follow; files of before know the first two."""
COLUMNS = {
    "log_main": "f8",
    "log_constraint": "f8",
    "log_prior": "f8",
    "strategy": "u1",
    "chain": "i4",
    "walker": "i4",
    "step": "i8",
}


@dataclass(frozen=True)
class Maximum:
    """The maximum of the log-likelihood, and ``log_main`` there to second order."""

    point: NDArray[np.float64]  # (d,)
    value: float
    gradient: NDArray[np.float64]  # (d,)
    hessian: NDArray[np.float64]  # (d, d)


@dataclass(frozen=True)
class Samples:
    """The content of a complete sample file, rows in chain order.

    ``points`` and ``gradient`` (n, d), the latter of ``log_main``, or None; every
    other array (n,). ``strategy`` holds names of
    `STRATEGIES` by position; only "unbiased" rows follow the posterior. ``path`` is the file
    that all of them are, None for some of its rows. ``asimov`` are tables for upper limits, of
    the likelihood that was sampled.
    """

    parameters: ParameterSet
    points: Points
    gradient: Gradients | None
    log_main: Values
    log_constraint: Values
    log_prior: Values
    strategy: NDArray[np.uint8]
    chain: NDArray[np.int32]
    walker: NDArray[np.int32]
    step: NDArray[np.int64]
    maximum: Maximum
    provenance: JSON
    diagnostics: JSON
    path: Path | None = None
    asimov: tuple[AsimovCurve, ...] = ()

    def __len__(self) -> int:
        return len(self.points)

    @property
    def log_likelihood(self) -> Values:
        """``log_main + log_constraint``."""
        return self.log_main + self.log_constraint

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the points, their log terms and what was asked for: two files with
        the same are the same samples."""
        found = hashlib.sha256(json.dumps(self.provenance["request"], sort_keys=True).encode())
        for array in (self.points, self.log_main, self.log_constraint, self.strategy):
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()

    @property
    def drop(self) -> Values:
        """How far ``log_likelihood`` is below its maximum, (n,)."""
        m = self.maximum
        highest = m.value + self.parameters.log_constraint(m.point[None])[0]
        return np.asarray(highest - self.log_likelihood)

    @property
    def log_density(self) -> Values:
        """``log_main + log_constraint + log_prior``."""
        return self.log_likelihood + self.log_prior

    @property
    def unbiased(self) -> NDArray[np.bool_]:
        """Which rows follow the posterior."""
        return np.asarray(self.strategy == STRATEGIES.index("unbiased"))

    def rows(self, which: NDArray[Any]) -> Samples:
        """The rows of a mask or index array."""
        columns = {name: getattr(self, name)[which] for name in ("points", *COLUMNS)}
        return Samples(
            parameters=self.parameters,
            gradient=None if self.gradient is None else self.gradient[which],
            maximum=self.maximum,
            provenance=self.provenance,
            diagnostics=self.diagnostics,
            asimov=self.asimov,
            **columns,
        )

    @classmethod
    def open(cls, path: str | Path) -> Samples:
        """Read a complete sample file: the rows as read-only arrays, from the disk as
        they are used.

        Raises:
            InvalidFile: missing, damaged, of another kind or schema, or incomplete.
        """
        with opened(path) as file:
            header = header_of(file, path)
            try:
                written, rows = int(file["rows_written"][0]), int(file["points"].shape[0])
                if written < rows:
                    raise InvalidFile(
                        "the sampling was interrupted; the same `dnnlik sample` command resumes "
                        f"it. Received: {written} of {rows} points in {path}"
                    )
                columns = {name: _mapped(file[name]) for name in ("points", *COLUMNS)}
                gradient = _mapped(file["gradient"]) if "gradient" in file else None
                maximum = _maximum(file)
                diagnostics = _json(file, "diagnostics", {})
                curves = _json(file, "asimov", []) if "asimov" in file else []
                asimov = curves_from_json(curves, header["parameters"].names)
            except InvalidFile:
                raise
            except (OSError, KeyError, ValueError) as error:
                raise InvalidFile(f"the sample file is damaged. Received: {path}") from error
        return cls(
            parameters=header["parameters"],
            gradient=gradient,
            maximum=maximum,
            provenance=header["provenance"],
            diagnostics=diagnostics,
            path=Path(path).resolve(),
            asimov=asimov,
            **columns,
        )


def schema_of(path: str | Path) -> str | None:
    """The schema that an HDF5 file states, if any."""
    with opened(path) as file:
        stated = file.attrs.get("schema")
    return None if stated is None else str(stated)


def opened(path: str | Path) -> h5py.File:
    if not Path(path).is_file():
        raise InvalidFile(f"there is no such file. Received: {path}")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InvalidFile(f"the file is no HDF5 file, or is truncated. Received: {path}") from error


def _mapped(dataset: h5py.Dataset) -> NDArray[Any]:
    """A dataset as an array of the file's own bytes: 10⁷ rows cost no memory until used."""
    offset = dataset.id.get_offset()
    if offset is None:  # somebody compressed it
        rows = np.asarray(dataset[:])
        rows.flags.writeable = False
        return rows
    mapped = np.memmap(
        dataset.file.filename, dataset.dtype, mode="r", offset=offset, shape=dataset.shape
    )
    return np.asarray(mapped)


def _json(file: h5py.File, name: str, missing: Any) -> Any:
    """What a padded dataset says; ``missing`` where nothing was written."""
    text = bytes(file[name][:]).decode().strip(" \0")
    return json.loads(text) if text else missing


def _maximum(file: h5py.File) -> Maximum:
    return Maximum(
        point=file["maximum_point"][:],
        value=float(file["maximum_value"][0]),
        gradient=file["maximum_gradient"][:],
        hessian=file["maximum_hessian"][:],
    )


def header_of(file: h5py.File, path: str | Path) -> dict[str, Any]:
    """The ``parameters`` and the ``provenance`` of a sample file."""
    if file.attrs.get("schema") != SCHEMA:
        raise InvalidFile(
            f"expected a sample file of schema {SCHEMA}. "
            f"Received: {file.attrs.get('schema')!r} in {path}"
        )
    try:
        provenance = json.loads(file.attrs["provenance"])
        parameters = ParameterSet.from_json(json.loads(file.attrs["parameters"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InvalidFile(f"the sample file is damaged. Received: {path}") from error
    if not isinstance(provenance, dict):
        raise InvalidFile(f"the sample file is damaged. Received: {path}")
    return {"parameters": parameters, "provenance": provenance}
