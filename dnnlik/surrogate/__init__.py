"""Surrogates: networks that stand for a likelihood.

``settings`` and ``data`` say what is learned, ``network`` the architecture,
``training`` fits it (with ``schedule`` and ``checkpoint``), ``description`` is the
result in plain arrays, ``file`` keeps it, ``likelihood`` evaluates it. Only
``network``, ``objective`` and ``training`` import Keras.
"""
