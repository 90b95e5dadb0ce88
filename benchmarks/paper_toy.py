"""The toy search of arXiv:1911.03305 with its own numbers, for comparisons.

Its JSON file is not part of the project: the environment variable
``DNNLIK_PAPER_TOY`` names it, by default ``shared/data/lhc_search_95p.json``
beside the project's folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnlik.exceptions import InvalidLikelihood

if TYPE_CHECKING:
    from dnnlik.likelihoods import AnalyticLikelihood

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT.parent / "shared" / "data" / "lhc_search_95p.json"


def likelihood() -> AnalyticLikelihood:
    """The paper's toy, with the code of ``likelihoods/lhc_like_search``."""
    definition = ROOT / "likelihoods" / "lhc_like_search" / "likelihood.py"
    spec = importlib.util.spec_from_file_location("lhc_like_search", definition)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.search(document())


def document() -> dict[str, Any]:
    """The numbers of the toy."""
    path = Path(os.environ.get("DNNLIK_PAPER_TOY", DEFAULT))
    if not path.is_file():
        raise InvalidLikelihood(
            "the numbers of the paper's toy search are not there: set DNNLIK_PAPER_TOY to the "
            f"JSON file that holds them. Received: {path}"
        )
    return json.loads(path.read_text())
