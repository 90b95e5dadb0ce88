"""A likelihood file for tests: two counting regions and a constrained rate, 3 parameters."""

import tensorflow as tf

from dnnlik import AnalyticLikelihood, Normal, Parameter

OBSERVED = (60.0, 44.0)


def log_main(points):
    """Two Poisson counts with expectations μ·10·(1+0.1 jes) + b and b."""
    points = tf.convert_to_tensor(points, tf.float64)
    mu, jes, background = points[:, 0], points[:, 1], points[:, 2]
    signal = tf.maximum(10.0 * mu * (1.0 + 0.1 * jes) + background, 1e-3)
    control = background
    return OBSERVED[0] * tf.math.log(signal) - signal + OBSERVED[1] * tf.math.log(control) - control


def likelihood():
    """What `dnnlik sample` asks for."""
    return AnalyticLikelihood(
        parameters=[
            Parameter("mu", init=1, bounds=(-3, 8), poi=True),
            Parameter("jes", init=0, bounds=(-5, 5), constraint=Normal(0, 1)),
            Parameter("background", init=50, bounds=(10, 100)),
        ],
        log_main=log_main,
    )
