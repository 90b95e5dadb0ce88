"""docs/tutorial.md, from its first command to its last, in a folder of its own."""

import json
import os
import re
from pathlib import Path

import pytest
from pages import assert_printed, blocks_of, run_page, same

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text()


@pytest.mark.slow
def test_the_tutorial(tmp_path, monkeypatch):
    """Every block runs and prints what the page shows; the numbers mean what the page says."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    printed = run_page(PAGE, tmp_path)
    rows = {line.split()[0]: line.split()[1:] for line in printed["python compare.py"].splitlines()
            if re.match("(entropy|sigma) ", line)}  # fmt: skip
    table = {name: [float(number) for number in row] for name, row in rows.items()}
    sigma, limit, significance, without_systematics = range(4)
    assert table["sigma"][sigma] < table["entropy"][sigma]
    assert table["sigma"][limit] < table["entropy"][limit]
    assert table["sigma"][significance] > table["entropy"][significance]
    assert table["sigma"][without_systematics] < table["entropy"][without_systematics]
    (cls,) = (float(line.split()[-1]) for text in printed.values() for line in text.splitlines()
              if line.startswith("CLs of pyhf"))  # fmt: skip
    assert cls == pytest.approx(0.05, abs=2e-4)
    assert json.loads((tmp_path / "learned.json").read_text())["passed"]
    assert (tmp_path / "resonance.zip").exists()
    for figure in ("entropy/templates", "sigma/metrics", "sigma_fit/impacts", "sigma_limit/brazil"):
        assert (tmp_path / f"{figure}.png").exists()


def test_every_code_block_is_run():
    """No block of the page is of a kind that the test leaves out."""
    assert PAGE.count("\n```") == 2 * len(blocks_of(PAGE))
    assert len(blocks_of(PAGE)) > 15


def test_what_counts_as_the_same_output():
    """Words exactly, numbers roughly, lines in order."""
    assert same("mu = 0.79 +- 0.36", "mu  =  0.9 +- 0.4")
    assert not same("mu = 0.79", "mu = 1.79")
    assert not same("mu = 0.79", "nu = 0.79")
    assert not same("mu = 0.79", "mu = 0.79 0.36")
    assert_printed("one 1\n...\nthree 3.0\n", "zero\none 1\ntwo\nthree 3.1\n")
    with pytest.raises(AssertionError, match="no line 'one 1'"):
        assert_printed("three 3\none 1\n", "one 1\nthree 3\n")


def test_a_block_that_fails_fails(tmp_path):
    """In the middle of a shell block, and in Python."""
    with pytest.raises(AssertionError, match="exit 3"):
        run_page("```sh\n(exit 3)\ntrue\n```\n", tmp_path)
    (tmp_path / "python").mkdir()
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_page("```python\n1 / 0\n```\n", tmp_path / "python")
    (tmp_path / "exports").mkdir()
    text = "```sh\nexport A=5\n```\n```sh\necho value $A\n```\n```text\nvalue 50\n```\n"
    with pytest.raises(AssertionError, match="no line 'value 50'"):
        run_page(text, tmp_path / "exports")
