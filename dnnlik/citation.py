"""What to cite: BibTeX of the program and of the methods that it stands on."""

from __future__ import annotations

from dnnlik import __version__

__all__ = ["bibtex"]

_METHODS = r"""@article{Coccaro:2019lgs,
  author  = {Coccaro, Andrea and Pierini, Maurizio and Silvestrini, Luca and Torre, Riccardo},
  title   = {{The DNNLikelihood: enhancing likelihood distribution with Deep Learning}},
  journal = {Eur. Phys. J. C}, volume = {80}, pages = {664}, year = {2020},
  doi     = {10.1140/epjc/s10052-020-8230-1}, eprint = {1911.03305}, archivePrefix = {arXiv},
  note    = {learned likelihoods: sample, train, validate, export}
}

@article{pyhf_joss,
  author  = {Heinrich, Lukas and Feickert, Matthew and Stark, Giordon and Cranmer, Kyle},
  title   = {{pyhf: pure-Python implementation of HistFactory statistical models}},
  journal = {J. Open Source Softw.}, volume = {6}, number = {58}, pages = {2823}, year = {2021},
  doi     = {10.21105/joss.02823}, note = {workspaces}
}

@article{Foreman-Mackey:2012any,
  author  = {Foreman-Mackey, Daniel and Hogg, David W. and Lang, Dustin and Goodman, Jonathan},
  title   = {{emcee: The MCMC Hammer}},
  journal = {Publ. Astron. Soc. Pac.}, volume = {125}, pages = {306}, year = {2013},
  doi     = {10.1086/670067}, eprint = {1202.3665}, archivePrefix = {arXiv}, note = {sampling}
}

@article{Simpson:2022suz,
  author  = {Simpson, Nathan and Heinrich, Lukas},
  title   = {{neos: End-to-End-Optimised Summary Statistics for High Energy Physics}},
  year    = {2022}, eprint = {2203.05570}, archivePrefix = {arXiv},
  note    = {analyses trained through their inference, dnnlik optimise}
}
"""


def bibtex() -> str:
    """BibTeX entries: the program at its version, then the papers of its methods, each with a
    note of what it is cited for.

    >>> bibtex().count("@")
    5
    """
    program = (
        "@software{dnnlik,\n  author  = {{the dnnlik developers}},\n"
        f"  title   = {{{{dnnlik: likelihoods that travel}}}},\n  version = {{{__version__}}}\n}}\n"
    )
    return f"{program}\n{_METHODS}"
