"""What the histograms and cuts accept, checked as far as it is known when they are traced.

Shapes are known then, and the values of constants. The values of a variable inside a
``tf.function`` are not: what is wrong with those is not caught.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from dnnlik.exceptions import InvalidInput

__all__ = [
    "as_edges",
    "as_events",
    "as_rows",
    "as_scale",
    "as_tensor",
    "as_weights",
    "check_outside",
]

OUTSIDE = ("drop", "include", "reflect")


def as_tensor(value: Any, dtype: tf.DType | None = None) -> tf.Tensor:
    """A tensor of a dtype; for none of float32 or float64, whichever is its own.

    Lists and integers become float64, half precision float32.
    """
    if not tf.is_tensor(value) and dtype is not None:
        return tf.convert_to_tensor(value, dtype)
    if not tf.is_tensor(value):
        value = np.asarray(value)
    own = tf.as_dtype(value.dtype)
    if not own.is_floating:
        own = tf.float64
    return tf.cast(value, dtype or (own if own.size >= 4 else tf.float32))


def as_events(name: str, values: Any) -> tf.Tensor:
    """One number an event: (n,), or (samples, n) for samples of equally many."""
    values = as_tensor(values)
    if values.shape.rank not in (None, 1, 2):
        raise InvalidInput(
            f"{name} are of shape (n,), one number an event, or (samples, n). "
            f"Received: shape {values.shape}"
        )
    return values


def as_rows(name: str, values: Any) -> tf.Tensor:
    """One row an event: (n, m), or (samples, n, m) for samples of equally many."""
    values = as_tensor(values)
    if values.shape.rank not in (None, 2, 3):
        raise InvalidInput(
            f"{name} are of shape (n, m), a row an event, or (samples, n, m). "
            f"Received: shape {values.shape}"
        )
    return values


def as_weights(
    weights: Any, events: tf.Tensor, dtype: tf.DType | None = None, *, rows: bool = False
) -> tf.Tensor:
    """The weights of events, 1 for ``None``: of the shape of the events, or, where these are
    ``rows`` (..., m), one a row."""
    shape = events.shape[:-1] if rows else events.shape
    if weights is None:
        size = tf.shape(events)
        return tf.ones(size[:-1] if rows else size, dtype or events.dtype)
    weights = as_tensor(weights, dtype)
    if not weights.shape.is_compatible_with(shape):
        raise InvalidInput(
            f"weights are one number an event, of shape {shape}. Received: shape {weights.shape}"
        )
    return weights


def as_edges(edges: Any, dtype: tf.DType | None = None) -> tf.Tensor:
    """Bin edges (m+1,): finite, strictly ascending, at least two."""
    edges = as_tensor(edges, dtype)
    if edges.shape.rank not in (None, 1) or edges.shape.num_elements() in (0, 1):
        raise InvalidInput(
            f"edges are of shape (m+1,), at least two. Received: shape {edges.shape}"
        )
    known = tf.get_static_value(edges)
    if known is not None and not (np.isfinite(known).all() and (np.diff(known) > 0).all()):
        raise InvalidInput(
            f"edges are finite and strictly ascending in {edges.dtype.name}. "
            f"Received: {known.tolist()}"
        )
    return edges


def as_scale(name: str, scale: Any, dtype: tf.DType, bins: int | None = None) -> tf.Tensor:
    """A width or temperature that may go to zero: a scalar, or (m,) for m = ``bins``.

    Zero stands for a width too small to matter, so that nothing is divided by it.
    """
    scale = as_tensor(scale, dtype)
    if scale.shape.rank != 0 and (bins is None or not scale.shape.is_compatible_with([bins])):
        shapes = "a scalar" if bins is None else f"a scalar or of shape ({bins},), one a bin"
        raise InvalidInput(f"{name} is {shapes}. Received: shape {scale.shape}")
    known = tf.get_static_value(scale)
    if known is not None and not (np.isfinite(known) & (known >= 0)).all():
        raise InvalidInput(f"{name} is finite and not negative. Received: {known.tolist()}")
    return tf.maximum(scale, tf.constant(_SMALLEST, dtype))


# Small beside any observable, yet its square is not 0 in float32: XLA divides by that.
_SMALLEST = 1e-18


def check_outside(outside: str) -> None:
    """One of `OUTSIDE`."""
    if outside not in OUTSIDE:
        raise InvalidInput(
            f"outside is one of {', '.join(map(repr, OUTSIDE))}. Received: {outside!r}"
        )
