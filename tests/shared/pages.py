"""Pages whose blocks run in order, in one folder, and whose output is what the page says.

```sh and ```python blocks are programs of their own; a Python block that begins with ``# NAME.py``
is saved under that name instead. A ```text block is what the last program printed: its lines are
there in this order, words exactly and numbers roughly, because trainings differ from one processor
to another. ``export`` of a sh block holds for all that follow.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

_BLOCK = re.compile(r"^```(sh|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def blocks_of(page: str) -> list[tuple[str, str]]:
    """Kind and content of each block of a page."""
    return _BLOCK.findall(page)


def run_page(page: str, folder: Path) -> dict[str, str]:
    """Run the blocks of a page in a folder; returns what was printed, by the last line of the
    program."""
    environment = {**os.environ, "PATH": f"{_commands(folder)}:{os.environ['PATH']}"}
    printed: dict[str, str] = {}
    last, exports = "", ""
    for kind, content in blocks_of(page):
        name = re.match(r"# (\w+\.py)\n", content)
        if kind == "text":
            assert_printed(content, last)
        elif kind == "python" and name:
            (folder / name[1]).write_text(content)
        else:
            exports += "".join(re.findall(r"^export .*\n", content, re.MULTILINE))
            program = f"set -e\n{exports}{content}" if kind == "sh" else content
            start = ["bash", "-c"] if kind == "sh" else [sys.executable, "-c"]
            result = subprocess.run(
                [*start, program], cwd=folder, env=environment, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            last = result.stdout + result.stderr
            assert result.returncode == 0, f"{content}\n{last}"
            printed[content.strip().splitlines()[-1]] = last
    return printed


def _commands(folder: Path) -> Path:
    """``dnnlik`` and ``python`` as this interpreter runs them, wherever they are installed."""
    place = folder.resolve() / ".commands"
    place.mkdir()
    for name, arguments in (("dnnlik", "-m dnnlik.cli"), ("python", "")):
        script = place / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    return place


def assert_printed(expected: str, found: str) -> None:
    """Each line that is expected is in what was found, in order; ``...`` is any lines."""
    lines = iter(found.splitlines())
    for wanted in expected.splitlines():
        if wanted.strip() not in ("", "..."):
            assert any(same(wanted, line) for line in lines), f"no line {wanted!r} in\n{found}"


def same(wanted: str, line: str) -> bool:
    """Equal words, and numbers that differ by at most a half of the larger one, or 0.1."""
    words = [_NUMBER.sub("#", text).split() for text in (wanted, line)]
    numbers = [[float(number) for number in _NUMBER.findall(text)] for text in (wanted, line)]
    return words[0] == words[1] and all(
        abs(a - b) <= max(0.5 * max(abs(a), abs(b)), 0.1) for a, b in zip(*numbers, strict=True)
    )
