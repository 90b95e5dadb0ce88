"""What the last layer of a network gives."""

from __future__ import annotations

from typing import Any

from dnnlik.exceptions import InvalidInput

__all__ = ["check_features", "check_logits", "is_probability", "outputs_of"]


def outputs_of(network: Any) -> int | None:
    """How many numbers an event has; None of a network that does not know its inputs.

    >>> import keras
    >>> outputs_of(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]))
    3
    """
    found = network.output_shape[-1] if network.built else None
    return found if isinstance(found, int) else None


def check_features(expected: int | None, features: Any) -> None:
    """That events (n, k) have as many features as a network was made for.

    Raises:
        InvalidInput: they have more or less.
    """
    given = features.shape[-1]
    if None not in (expected, given) and expected != given:
        raise InvalidInput(f"events have {given} features. Received: a network of {expected}")


def check_logits(network: Any) -> None:
    """That a network ends in numbers of any size: a second softmax would hide what the first one
    tells apart.

    Raises:
        InvalidInput: the last layer is a softmax or a sigmoid.
    """
    name = _last(network)
    if name in ("softmax", "sigmoid"):
        raise InvalidInput(
            "the last layer of this network is linear: the softmax is the observable's own. "
            f"Received: {name}"
        )


def is_probability(network: Any) -> bool:
    """Whether an output lies between 0 and 1, as far as its last layer tells: a layer that is
    not known is believed."""
    return _last(network) not in _OF_ANY_SIZE


_OF_ANY_SIZE = frozenset(
    ("linear", "relu", "tanh", "selu", "elu", "gelu", "silu", "softplus", "leaky_relu")
)


def _last(network: Any) -> str:
    """The activation of the last layer, or its kind where that has none."""
    layer = network.layers[-1] if getattr(network, "layers", None) else network
    if hasattr(layer, "layers"):
        return _last(layer)
    activation = getattr(layer, "activation", None)
    return str(getattr(activation, "__name__", type(layer).__name__)).lower()
