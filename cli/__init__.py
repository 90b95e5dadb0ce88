"""The command line: one file a command, thin over the library.

JSON results go to stdout, progress and messages to stderr. Exit codes: 0 done,
2 wrong usage, 3 invalid input, 4 not converged or below threshold.
"""

from dnnlik.cli.main import main

__all__ = ["main"]
