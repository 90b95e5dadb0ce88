"""Activation functions of a network, in TensorFlow; a name each, which files keep.

``selu`` (arXiv:1706.02515) is that of arXiv:1911.03305; its slope jumps at zero. Where
gradients are learned and second derivatives matter, ``silu`` (arXiv:1702.03118) is smooth
and was measured to be better (`docs/surrogates.md`). ``dnnlik.onnx.activations`` has the
same functions as ONNX nodes.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

__all__ = ["activation", "rounded_selu"]

# arXiv:1706.02515, equation 14.
_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772


def activation(name: str, rounding: float = 0.0) -> Callable[[tf.Tensor], tf.Tensor]:
    """The function of a name in `dnnlik.surrogate.description.ACTIVATIONS`.

    ``rounding`` is that of `rounded_selu`; the others have no kink to round.

    >>> float(activation("silu")(tf.constant(1.0, tf.float64)))
    0.7310585786300049
    """
    if name == "selu":
        return lambda x: rounded_selu(x, rounding)
    return {"silu": tf.nn.silu, "tanh": tf.tanh}[name]


def rounded_selu(x: tf.Tensor, width: float) -> tf.Tensor:
    r"""SELU whose kink at zero is rounded over a width: infinitely often differentiable.

    :math:`\lambda[x^+ + \alpha(e^{x^-} - 1)]` with :math:`w\ln(1+e^{\pm x/w})` in place of
    both :math:`\pm x^\pm`; SELU itself at w = 0, and far from zero at any. It differs by at
    most :math:`\lambda(\alpha - 1)w\ln 2 < 0.5\,w`.

    >>> x = tf.constant([-3.0, 0.0, 3.0], tf.float64)
    >>> tf.abs(rounded_selu(x, 0.1) - tf.nn.selu(x)).numpy().round(3).tolist()
    [0.0, 0.045, 0.0]
    """
    if not width:
        return tf.nn.selu(x)
    above, below = width * tf.math.softplus(x / width), -width * tf.math.softplus(-x / width)
    return _SCALE * (above + _ALPHA * tf.math.expm1(below))
