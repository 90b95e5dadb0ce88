"""What observables have in common that count the output of a network in bins."""

from __future__ import annotations

from typing import Any

from dnnlik.differentiable.binning import Binning

__all__ = ["BinnedNetwork"]


class BinnedNetwork:
    """A Keras network and a binning of what it gives; both may be trained.

    >>> import keras
    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> len(BinnedNetwork(network, Binning([0.0, 0.5, 1.0], 0.1)).variables)
    2
    """

    learning_rate = 1e-3

    def __init__(self, network: Any, binning: Binning) -> None:
        self.network, self.binning = network, binning

    @property
    def trainable_variables(self) -> list[Any]:
        """Of the network, then of the binning."""
        return [*self.network.trainable_variables, *self.binning.trainable_variables]

    @property
    def variables(self) -> list[Any]:
        """These, and what else changes in training."""
        return [*self.trainable_variables, *self.network.non_trainable_variables]

    def describe(self) -> dict[str, float]:
        """The edges, if they are trained."""
        return self.binning.describe()
