"""Samples in one HDF5 file that survives a killed run.

All datasets are allocated in full when the file is created, so that later only
raw numbers are written and the file's structure cannot be left half changed. What
a run needs to go on from where it was is beside it, in ``FILE.state.npz``, replaced
atomically after the rows are on disk, and removed at the end.

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
====================  ==========  =================================================
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import h5py
import numpy as np
from numpy.typing import NDArray

from dnnlik.documents import reason_of
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.parameters import ParameterSet
from dnnlik.typing import JSON, DifferentiableLogDensity, Gradients, LogDensity, Points, Values

__all__ = ["SCHEMA", "STRATEGIES", "Maximum", "SampleStore", "Samples", "schema_of"]

SCHEMA = "dnnlik.samples/1"
STRATEGIES = ("unbiased", "profiled")
_DIAGNOSTICS_BYTES = 65536
_COLUMNS = {
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
    `STRATEGIES` by position; only "unbiased" rows follow the posterior.
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
        columns = {name: getattr(self, name)[which] for name in ("points", *_COLUMNS)}
        return Samples(
            parameters=self.parameters,
            gradient=None if self.gradient is None else self.gradient[which],
            maximum=self.maximum,
            provenance=self.provenance,
            diagnostics=self.diagnostics,
            **columns,
        )

    @classmethod
    def open(cls, path: str | Path) -> Samples:
        """Read a complete sample file.

        Raises:
            InvalidFile: missing, damaged, of another kind or schema, or incomplete.
        """
        with _opened(path) as file:
            header = _header(file, path)
            try:
                written, rows = int(file["rows_written"][0]), int(file["points"].shape[0])
                if written < rows:
                    raise InvalidFile(
                        "the sampling was interrupted; the same `dnnlik sample` command resumes "
                        f"it. Received: {written} of {rows} points in {path}"
                    )
                columns = {name: file[name][:] for name in ("points", *_COLUMNS)}
                gradient = file["gradient"][:] if "gradient" in file else None
                maximum = _maximum(file)
                diagnostics = json.loads(bytes(file["diagnostics"][:]).decode().strip() or "{}")
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
            **columns,
        )


class SampleStore:
    """A sample file while it is being filled.

    `open` creates it or, where one of the same request was left unfinished,
    continues it; `write` stores rows, `save_state` what a restart needs.
    ``provenance["request"]`` is what makes two requests the same.
    """

    def __init__(self, path: Path, density: LogDensity, rows: int) -> None:
        self.path, self.density, self.rows = path, density, rows
        self._state_path = path.with_name(path.name + ".state.npz")
        self.chains_done: list[JSON] = []

    @classmethod
    def open(
        cls, path: str | Path, density: LogDensity, rows: int, provenance: JSON
    ) -> SampleStore:
        """Create the file, or continue one that the same request left unfinished.

        Raises:
            InvalidFile: the file exists and was made by another request.
        """
        store = cls(Path(path), density, rows)
        if store.path.exists():
            store._check_same(provenance)
            store.chains_done = json.loads(str(store.load_state().get("chains_done", "[]")))
        else:
            store._create(provenance)
        return store

    def _check_same(self, provenance: JSON) -> None:
        with _opened(self.path) as file:
            header = _header(file, self.path)
        # Other software versions may continue a file; another request may not.
        if header["provenance"].get("request") != json.loads(json.dumps(provenance["request"])):
            raise InvalidFile(
                "the file holds samples of another likelihood, seed, strategy or number; give "
                f"another output or remove it. Received: {self.path}"
            )

    def _create(self, provenance: JSON) -> None:
        self._state_path.unlink(missing_ok=True)
        temporary = self.path.with_name(self.path.name + ".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _writable(temporary, new=True) as file:
                self._allocate(file, provenance)
            os.replace(temporary, self.path)
        except (OSError, ValueError, RuntimeError) as error:
            # Where HDF5 cannot allocate or close, h5py raises the latter two.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise InvalidFile(
                f"cannot create the sample file ({reason_of(error)}). Received: {self.path}"
            ) from error

    def _allocate(self, file: h5py.File, provenance: JSON) -> None:
        width = len(self.density.parameters)
        file.attrs["schema"] = SCHEMA
        file.attrs["parameters"] = json.dumps(self.density.parameters.to_json())
        file.attrs["strategies"] = json.dumps(STRATEGIES)
        file.attrs["provenance"] = json.dumps(provenance)
        shapes: dict[str, tuple[tuple[int, ...], str]] = {"points": ((self.rows, width), "f8")}
        shapes |= {name: ((self.rows,), kind) for name, kind in _COLUMNS.items()}
        if isinstance(self.density, DifferentiableLogDensity):
            shapes["gradient"] = ((self.rows, width), "f8")
        shapes |= {
            "maximum_point": ((width,), "f8"),
            "maximum_value": ((1,), "f8"),
            "maximum_gradient": ((width,), "f8"),
            "maximum_hessian": ((width, width), "f8"),
        }
        shapes |= {"rows_written": ((1,), "i8"), "diagnostics": ((_DIAGNOSTICS_BYTES,), "u1")}
        for name, (shape, kind) in shapes.items():
            plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plan.set_layout(h5py.h5d.CONTIGUOUS)
            plan.set_obj_track_times(False)  # the same seed gives the same bytes
            plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            # Writing zeros now means that a full disk is found now.
            plan.set_fill_time(h5py.h5d.FILL_TIME_ALLOC)
            space = h5py.h5s.create_simple(shape)
            h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(np.dtype(kind)), space, plan)

    @property
    def complete(self) -> bool:
        """Whether every row is there."""
        with _opened(self.path) as file:
            return int(file["rows_written"][0]) == self.rows

    def write(
        self, first: int, block: NDArray[np.float64], *, strategy: str, chain: int, steps: range
    ) -> None:
        """Write consecutive stored steps of all walkers, and their log terms.

        ``block`` (steps, walkers, d) goes to the rows from ``first`` on, step by step;
        ``steps`` are the numbers of the stored steps in their chain.
        """
        walkers, points = block.shape[1], block.reshape(-1, block.shape[2])
        count = len(points)
        columns: dict[str, NDArray[Any]] = {
            "points": points,
            **self._log_terms(points),
            "log_prior": self.density.log_prior(points),
            "strategy": np.full(count, STRATEGIES.index(strategy)),
            "chain": np.full(count, chain),
            "walker": np.arange(count) % walkers,
            "step": np.repeat(np.asarray(steps), walkers),
        }
        self._put(first, columns)

    def _log_terms(self, points: Points) -> dict[str, NDArray[Any]]:
        constraint = self.density.log_constraint(points)
        terms = {"log_main": self.density.log_main(points), "log_constraint": constraint}
        if isinstance(self.density, DifferentiableLogDensity):
            slope = self.density.value_and_gradient(points)[1]
            terms["gradient"] = slope - self.density.parameters.log_constraint_gradient(points)
        return terms

    def _put(self, first: int, columns: Mapping[str, NDArray[Any]]) -> None:
        try:
            with _writable(self.path) as file:
                for name, column in columns.items():
                    file[name][first : first + len(column)] = column
                file.flush()
                os.fsync(file.id.get_vfd_handle())
        except (OSError, RuntimeError) as error:
            raise InvalidFile(
                f"cannot write the sample file ({reason_of(error)}). Received: {self.path}"
            ) from error

    def read(self, name: str, first: int, last: int) -> NDArray[Any]:
        """Rows ``first:last`` of one dataset."""
        with _opened(self.path) as file:
            return np.asarray(file[name][first:last])

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Replace the restart state; values are numbers, texts or arrays."""
        temporary = self._state_path.with_name(self._state_path.name + ".new")
        try:
            with open(temporary, "wb") as file:
                np.savez(file, chains_done=json.dumps(self.chains_done), **state)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._state_path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise InvalidFile(
                f"cannot write the restart state ({reason_of(error)}). Received: {self._state_path}"
            ) from error

    def load_state(self) -> dict[str, NDArray[Any]]:
        """The restart state; empty where there is none or it cannot be read."""
        try:
            # Opened here, because NumPy leaves a damaged file open.
            with (
                open(self._state_path, "rb") as raw,
                np.load(raw, allow_pickle=False) as file,
            ):
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, KeyError, RuntimeError, BadZipFile):
            # RuntimeError: a damaged header may ask for a password or an unknown compression.
            return {}

    def write_maximum(self, maximum: Maximum) -> None:
        """Store the expansion at the maximum."""
        columns = {
            "maximum_point": maximum.point,
            "maximum_value": np.array([maximum.value]),
            "maximum_gradient": maximum.gradient,
            "maximum_hessian": maximum.hessian,
        }
        self._put(0, columns)

    def chain_done(self, diagnostics: JSON) -> None:
        """Note that a chain is complete, and what is to be said of it."""
        self.chains_done.append(diagnostics)
        self.save_state({})

    def finish(self, diagnostics: JSON) -> None:
        """Mark the file complete and remove the restart state."""
        text = json.dumps(diagnostics).encode()
        if len(text) > _DIAGNOSTICS_BYTES:
            raise InvalidInput(f"diagnostics exceed their room. Received: {len(text)} bytes")
        padded = np.frombuffer(text.ljust(_DIAGNOSTICS_BYTES), dtype="u1")
        self._put(0, {"diagnostics": padded})
        self._put(0, {"rows_written": np.array([self.rows])})
        self._state_path.unlink(missing_ok=True)


def schema_of(path: str | Path) -> str | None:
    """The schema that an HDF5 file states, if any."""
    with _opened(path) as file:
        stated = file.attrs.get("schema")
    return None if stated is None else str(stated)


def _writable(path: Path, *, new: bool = False) -> h5py.File:
    """A file in which every write is made, or fails, at once.

    HDF5 would gather small writes until a dataset is closed, where h5py cannot raise.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_sieve_buf_size(0)
    name = os.fsencode(path)
    if new:
        return h5py.File(h5py.h5f.create(name, h5py.h5f.ACC_TRUNC, fapl=access))
    return h5py.File(h5py.h5f.open(name, h5py.h5f.ACC_RDWR, fapl=access))


def _opened(path: str | Path) -> h5py.File:
    if not Path(path).is_file():
        raise InvalidFile(f"there is no such file. Received: {path}")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InvalidFile(f"the file is no HDF5 file, or is truncated. Received: {path}") from error


def _maximum(file: h5py.File) -> Maximum:
    return Maximum(
        point=file["maximum_point"][:],
        value=float(file["maximum_value"][0]),
        gradient=file["maximum_gradient"][:],
        hessian=file["maximum_hessian"][:],
    )


def _header(file: h5py.File, path: str | Path) -> dict[str, Any]:
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
