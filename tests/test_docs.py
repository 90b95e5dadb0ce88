"""The examples of docs/python.md."""

import doctest
from pathlib import Path

import pytest

from dnnlik import publish_exact

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of ArviZ, about its next version
@pytest.mark.filterwarnings("ignore::DeprecationWarning:arviz")
def test_other_tools_in_python(tmp_path, monkeypatch):
    """Every example gives what the page says, with the bundle that the page names."""
    publish_exact(ROOT / "likelihoods" / "two_regions" / "workspace.json", tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False)
    assert (failed, tried > 30) == (0, True)
