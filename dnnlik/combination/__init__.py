"""Likelihoods put together by name, and with other priors or auxiliary measurements.

- `combine`: several likelihoods, exact or published, as one over the union of their
  parameters; a shared constraint counts once
- `with_priors`, `with_constraints`: one likelihood with other closed-form terms
- `open_combination`, `write_combination`: the same as a small JSON file, which the
  commands open like any likelihood

Needs NumPy alone, and onnxruntime where a member is published; a member that is a
workspace needs what a workspace needs.
"""

from dnnlik.combination.combine import combine
from dnnlik.combination.document import is_combination, open_combination, write_combination
from dnnlik.combination.likelihood import CombinedLikelihood
from dnnlik.combination.recipe import Member, Recipe
from dnnlik.combination.terms import with_constraints, with_priors

__all__ = [
    "CombinedLikelihood",
    "Member",
    "Recipe",
    "combine",
    "is_combination",
    "open_combination",
    "with_constraints",
    "with_priors",
    "write_combination",
]
