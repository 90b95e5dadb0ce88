"""A surrogate in one HDF5 file: arrays, and JSON for the rest. No pickle.

Schema ``dnnlik.surrogate/3``. JSON texts: the attribute ``parameters``, the datasets
``settings``, ``provenance``, ``adds_constraint``, ``history``, ``uncertainty_factor``,
``ceiling`` (null for none), and ``asimov`` where there is a table for upper limits.
Groups: ``network.M`` for each member (``weights.K``, ``biases.K``, scaling, ``activation``,
group ``bends``), ``domain``, and ``quadratic`` where there is one.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dnnlik.asimov import curves_from_json, curves_to_json
from dnnlik.documents import write_bytes
from dnnlik.exceptions import InvalidFile
from dnnlik.parameters import ParameterSet
from dnnlik.surrogate.description import (
    ACTIVATIONS,
    Bends,
    Ceiling,
    Domain,
    Network,
    Quadratic,
    SurrogateDescription,
)

__all__ = ["SCHEMA", "load_surrogate", "save_surrogate"]

SCHEMA = "dnnlik.surrogate/3"
_JSON = ("settings", "provenance", "adds_constraint", "history", "uncertainty_factor")


def save_surrogate(description: SurrogateDescription, path: str | Path) -> None:
    """Write a surrogate; an existing file is replaced only when the new one is whole."""
    write_bytes(path, _content(description), what="the surrogate")


def _content(description: SurrogateDescription) -> bytes:
    # In memory first: HDF5 does not always say when a disk is full.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        _write(description, file)
    return content.getvalue()


def _write(description: SurrogateDescription, file: h5py.File) -> None:
    file.attrs["schema"] = SCHEMA
    file.attrs["parameters"] = json.dumps(description.parameters.to_json())
    # As datasets, because attributes end at 64 kB and histories do not.
    for name in _JSON:
        file[name] = json.dumps(getattr(description, name))
    if description.asimov:
        file["asimov"] = json.dumps(curves_to_json(description.asimov))
    for member, network in enumerate(description.networks):
        _put(file.create_group(f"network.{member}"), network)
    _put(file.create_group("domain"), description.domain)
    if description.ceiling is not None:
        _put(file.create_group("ceiling"), description.ceiling)
    if description.quadratic is not None:
        _put(file.create_group("quadratic"), description.quadratic)


def _put(group: h5py.Group, part: Network | Bends | Ceiling | Domain | Quadratic) -> None:
    for name, value in vars(part).items():
        if isinstance(value, Bends):
            _put(group.create_group(name), value)
        elif isinstance(value, tuple):
            for k, array in enumerate(value):
                group[f"{name}.{k}"] = array
        else:
            group[name] = value


def load_surrogate(path: str | Path) -> SurrogateDescription:
    """Read a surrogate.

    Raises:
        InvalidFile: missing, damaged, of another kind or schema.
    """
    if not Path(path).is_file():
        raise InvalidFile(f"there is no such surrogate file. Received: {path}")
    try:
        with h5py.File(path, "r") as file:
            return _read(file, path)
    except (OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, InvalidFile):
            raise
        raise InvalidFile(f"the file is no surrogate, or is truncated. Received: {path}") from error


def _read(file: h5py.File, path: str | Path) -> SurrogateDescription:
    if file.attrs.get("schema") != SCHEMA:
        raise InvalidFile(
            f"expected a surrogate of schema {SCHEMA}. "
            f"Received: {file.attrs.get('schema')!r} in {path}"
        )
    texts: dict[str, Any] = {name: json.loads(file[name][()]) for name in _JSON}
    parameters = ParameterSet.from_json(json.loads(file.attrs["parameters"]))
    asimov = json.loads(file["asimov"][()]) if "asimov" in file else []
    return SurrogateDescription(
        parameters=parameters,
        asimov=curves_from_json(asimov, parameters.names),
        quadratic=Quadratic(**_numbers(file["quadratic"])) if "quadratic" in file else None,
        ceiling=Ceiling(**_numbers(file["ceiling"])) if "ceiling" in file else None,
        networks=tuple(_network(file[name]) for name in _members(file)),
        domain=Domain(**_numbers(file["domain"])),
        **texts,
    )


def _members(file: h5py.File) -> list[str]:
    names = [f"network.{k}" for k in range(sum(n.startswith("network.") for n in file))]
    if not names:
        raise KeyError("network.0")
    return names


def _numbers(group: h5py.Group) -> dict[str, Any]:
    return {name: _value(data) for name, data in group.items()}


def _value(data: h5py.Dataset) -> Any:
    if data.shape:
        return np.asarray(data[()])
    found = data[()]
    return found.decode() if isinstance(found, bytes) else float(found)


def _network(group: h5py.Group) -> Network:
    content = {name: _value(data) for name, data in group.items() if name != "bends"}
    bends = Bends(**_numbers(group["bends"]))
    if content["activation"] not in ACTIVATIONS:
        raise ValueError(content["activation"])
    layers = sum(name.startswith("weights.") for name in content)
    weights = tuple(content.pop(f"weights.{k}") for k in range(layers))
    biases = tuple(content.pop(f"biases.{k}") for k in range(layers))
    return Network(weights=weights, biases=biases, bends=bends, **content)
