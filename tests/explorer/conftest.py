"""What the page needs: its runtime, a browser, and bundles to open."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from browser import Browser

from dnnlik import open_likelihood
from dnnlik.bundle.checksums import checksums_text
from dnnlik.onnx.exact import exact_model

ROOT = Path(__file__).resolve().parents[2]


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
    return open_likelihood(ROOT / "likelihoods" / "two_regions" / "workspace.json")


@pytest.fixture(scope="session")
def exact_bundle(exact, tmp_path_factory):
    """The least that the page needs, of the closed form of a workspace."""
    folder = tmp_path_factory.mktemp("exact") / "bundle"
    folder.mkdir()
    model = exact_model(exact.description, metadata={})
    (folder / "likelihood.onnx").write_bytes(model.SerializeToString())
    (folder / "metadata.json").write_text(json.dumps({"parameters": exact.parameters.to_json()}))
    (folder / "README.md").write_text("# Two <regions>\n")
    (folder / "SHA256SUMS").write_text(checksums_text(folder))
    return folder
