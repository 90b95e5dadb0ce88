"""Surrogates: networks that stand for a likelihood.

``settings`` and ``data`` say what is learned, ``baseline``, ``domain`` and ``ceiling`` what
surrounds the network, ``network`` its architecture, ``training`` fits one (with ``optimizers``,
``schedule`` and ``checkpoint``), ``ensemble`` all of them (with ``calibration``).
``description`` is the result in plain arrays, ``file`` keeps it, ``likelihood`` evaluates
it. Only ``network``, ``objective``, ``optimizers`` and ``training`` import Keras.
"""
