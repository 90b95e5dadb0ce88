"""Published folders to be read in other languages, and the programs that read them."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest
from programs import EXAMPLES, MODULES, ROOT, compile_command, needed

from dnnlik import open_likelihood
from dnnlik.bundle.vectors import TOLERANCES
from dnnlik.onnx.exact import exact_model


@pytest.fixture(scope="session")
def surrogate_folder(small_run):
    """A bundle as `dnnlik run` leaves it."""
    return small_run.folder / "bundle"


@pytest.fixture(scope="session")
def exact_folder(tmp_path_factory):
    """The closed form of a workspace; its vectors come from the tensor program."""
    likelihood = open_likelihood(ROOT / "likelihoods" / "two_regions" / "workspace.json")
    parameters, folder = likelihood.parameters, tmp_path_factory.mktemp("exact")
    rng = np.random.default_rng(5)
    points = parameters.inits + 0.2 * rng.normal(size=(12, len(parameters)))
    points[-1, 0] = 2 * parameters.upper[0]
    value, gradient = likelihood.value_and_gradient(points)
    assert np.isfinite(value).all()
    vectors = {
        "parameters": list(parameters.names),
        "points": points.tolist(),
        "log_likelihood": value.tolist(),
        "log_constraint": likelihood.log_constraint(points).tolist(),
        "gradient": gradient.tolist(),
        "in_domain": parameters.inside(points).tolist(),
        "tolerance": TOLERANCES,
    }
    model = exact_model(likelihood.description, metadata={})
    (folder / "likelihood.onnx").write_bytes(model.SerializeToString())
    (folder / "metadata.json").write_text(json.dumps({"parameters": parameters.to_json()}))
    (folder / "test_vectors.json").write_text(json.dumps(vectors))
    return folder


@pytest.fixture(scope="session")
def node():
    """A call of the JavaScript example: folder, file → exit code, what it printed."""
    program = needed("node")
    if not MODULES.is_dir():
        pytest.skip("onnxruntime-node is not there: `make languages` gets it")

    def run(folder, name):
        command = [program, EXAMPLES / "javascript" / "evaluate.mjs", folder, name]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """A call of the C example, compiled with every warning as an error."""
    program = tmp_path_factory.mktemp("c") / "evaluate"
    subprocess.run(compile_command(EXAMPLES / "c" / "evaluate.c", program), check=True)

    def run(folder, name):
        return subprocess.run([program, folder, name], capture_output=True, text=True, check=False)

    return run
