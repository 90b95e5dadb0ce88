"""A published likelihood in Node, and in a browser, beside Python: start-up, and microseconds a
point.

    make languages
    python benchmarks/languages.py [--browser chromium] BUNDLE [BUNDLE ...]

All with ONNX Runtime in one thread (the browser with its WebAssembly), all outputs, in turn; the
start-up is that of a process that opens the file and evaluates one point, in the browser that of
a page in a browser which runs. Medians of the rounds, and of the ratios to Python within a round.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

BATCHES = (1, 64, 4096)
HERE = Path(__file__).parent
FILES = ("likelihood.onnx", "likelihood_float32.onnx")
RUNTIME = HERE.parent / "tests" / "explorer" / "node_modules" / "onnxruntime-web"


def main() -> None:
    """Print a row of a table for each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--browser", help="the program, such as chromium")
    options = parser.parse_args()
    programs = ["Node", *(["browser"] if options.browser else [])]
    head = ", ".join([*programs, "Python", *(f"{name} / Python" for name in programs)])
    print(f"| file | start-up: {head} |", *(f"batch {n} |" for n in BATCHES))
    print("|" + "---|" * (2 + len(BATCHES)))
    for bundle in options.bundles:
        for name in FILES:
            if (bundle / name).is_file():
                print(row(bundle, name, options.rounds, options.browser), flush=True)


def row(bundle: Path, name: str, rounds: int, browser: str | None) -> str:
    """Seconds of start-up and microseconds of each batch, with ratios to Python."""
    node = ["node", HERE / "languages.mjs", bundle / name, bundle / "metadata.json"]
    python = [sys.executable, __file__.replace("languages.py", "languages_python.py"), *node[2:]]
    columns: list[list[list[float]]] = [[] for _ in (None, *BATCHES)]
    for _ in range(rounds):
        start, found = [seconds(node), seconds(python)], [printed(node), printed(python)]
        if browser:
            there = in_browser(browser, bundle / name, bundle / "metadata.json")
            start.insert(1, there["start"])
            found.insert(1, there)
        columns[0].append(start)
        for column, size in zip(columns[1:], BATCHES, strict=True):
            column.append([times[str(size)] for times in found])
    cells = (", ".join(f"{x:.3g}" for x in summary(column)) for column in columns)
    return f"| {bundle.name}, {name} | " + " | ".join(cells) + " |"


def summary(rounds: list[list[float]]) -> list[float]:
    """Medians of each program, Python the last, and of its ratios to Python within a round."""
    times = [median(values) for values in zip(*rounds, strict=True)]
    others = range(len(times) - 1)
    return times + [median(values[k] / values[-1] for values in rounds) for k in others]


def in_browser(program: str, model: Path, metadata: Path) -> dict[str, float]:
    """Of a page in headless Chromium, whose scripts come from a server of this machine."""
    sys.path.insert(0, str(HERE.parent / "tests" / "explorer"))
    from browser import Browser, served

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        page = Path(name) / "page"
        shutil.copytree(RUNTIME / "dist", page / "ort")
        shutil.copy(model, page / "likelihood.onnx")
        shutil.copy(metadata, page / "metadata.json")
        shutil.copy(HERE / "languages_browser.html", page / "index.html")
        opened = Browser(program, Path(name) / "profile")
        with served(page) as address:
            opened.open(f"{address}?{','.join(map(str, BATCHES))}")
            found: dict[str, float] = opened.evaluate("window.found")
        opened.close()
    return found


def seconds(command: list) -> float:
    """Of a process that evaluates one point for as short as can be."""
    start = time.perf_counter()
    subprocess.run([*command], check=True, capture_output=True)
    return time.perf_counter() - start


def printed(command: list) -> dict[str, float]:
    return json.loads(subprocess.check_output([*command, *map(str, BATCHES)]))


if __name__ == "__main__":
    main()
