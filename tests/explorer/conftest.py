"""What the page needs: its runtime, a browser, and bundles to open."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from browser import Browser

from dnnlik import Publication, open_likelihood, publish_exact

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = ROOT / "likelihoods" / "two_regions" / "workspace.json"


@pytest.fixture(scope="session")
def runtime():
    """The folder of onnxruntime-web."""
    folder = Path(__file__).parent / "node_modules" / "onnxruntime-web"
    if not folder.is_dir():
        pytest.skip("onnxruntime-web is not there: `make languages` gets it")
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """One headless Chromium for all tests."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    program = program or shutil.which("google-chrome")
    if program is None:
        pytest.skip("chromium is not there: `.ci/run` installs it")
    opened = Browser(program, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def exact():
    """A workspace with normal and Poisson constraints: 17 parameters."""
    return open_likelihood(WORKSPACE)


@pytest.fixture(scope="session")
def exact_bundle(tmp_path_factory):
    """The closed form of that workspace, as it is published."""
    folder = tmp_path_factory.mktemp("exact") / "bundle"
    return publish_exact(WORKSPACE, folder, publication=Publication("Two <regions>")).folder
