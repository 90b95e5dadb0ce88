"""A published likelihood in Node beside Python: start-up, and microseconds a point.

    make languages
    python benchmarks/languages.py BUNDLE [BUNDLE ...]

Both with ONNX Runtime in one thread, all outputs, in turn; the start-up is that of a process that
opens the file and evaluates one point. Medians of the rounds, and of the ratio within a round.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

BATCHES = (1, 64, 4096)
HERE = Path(__file__).parent
FILES = ("likelihood.onnx", "likelihood_float32.onnx")


def main() -> None:
    """Print a row of a table for each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("| file | start-up: Node, Python, ratio |", *(f"batch {n} |" for n in BATCHES))
    print("|" + "---|" * (2 + len(BATCHES)))
    for bundle in options.bundles:
        for name in FILES:
            if (bundle / name).is_file():
                print(row(bundle, name, options.rounds))


def row(bundle: Path, name: str, rounds: int) -> str:
    """Seconds of start-up and microseconds of each batch: Node, Python, Node over Python."""
    node = ["node", HERE / "languages.mjs", bundle / name, bundle / "metadata.json"]
    python = [sys.executable, __file__.replace("languages.py", "languages_python.py"), *node[2:]]
    columns: list[list[tuple[float, float]]] = [[] for _ in (None, *BATCHES)]
    for _ in range(rounds):
        columns[0].append((seconds(node), seconds(python)))
        both = printed(node), printed(python)
        for column, size in zip(columns[1:], BATCHES, strict=True):
            column.append((both[0][str(size)], both[1][str(size)]))
    cells = (", ".join(f"{x:.3g}" for x in summary(column)) for column in columns)
    return f"| {bundle.name}, {name} | " + " | ".join(cells) + " |"


def summary(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Medians of both, and of the ratio within a round."""
    first, second = zip(*pairs, strict=True)
    return median(first), median(second), median(a / b for a, b in pairs)


def seconds(command: list) -> float:
    """Of a process that evaluates one point for as short as can be."""
    start = time.perf_counter()
    subprocess.run([*command], check=True, capture_output=True)
    return time.perf_counter() - start


def printed(command: list) -> dict[str, float]:
    return json.loads(subprocess.check_output([*command, *map(str, BATCHES)]))


if __name__ == "__main__":
    main()
