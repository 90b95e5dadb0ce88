"""The program of docs/bundles.md runs in a bundle's folder, without dnnlik."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bundles.md"


def program():
    """The one block of Python that opens a session."""
    blocks = [block.split("```")[0] for block in PAGE.read_text().split("```python\n")[1:]]
    (found,) = [block for block in blocks if "InferenceSession" in block]
    return found


@pytest.mark.parametrize("name", ["exact_run", "small_run"])
def test_it_says_true_three_times(request, name):
    """Of an exact bundle and of a surrogate."""
    run = request.getfixturevalue(name)
    folder = run.folder if name == "exact_run" else run.folder / "bundle"
    hidden = "import sys\nsys.modules['dnnlik'] = None\n"
    result = subprocess.run(
        [sys.executable, "-c", hidden + program()],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["True"] * 3
