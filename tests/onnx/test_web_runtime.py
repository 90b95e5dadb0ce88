"""Every graph runs in the WebAssembly of browsers, with the numbers of ONNX Runtime here.

That runtime has kernels of its own build: an operator that lacks float64 there would fail.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from generated_workspaces import ALL_CODES, EXAMPLE, likelihood_of, random_points

from dnnlik.onnx.exact import exact_model
from dnnlik.onnx.graph import surrogate_model
from dnnlik.surrogate.description import ACTIVATIONS

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "explorer" / "node_modules" / "onnxruntime-web"


@pytest.fixture
def jobs(make_description, scatter):
    """Models by name with points: all activations, ensembles, bends, float32, all codes."""
    found = {}
    for name in ACTIVATIONS:
        description = make_description(size=6, activation=name, members=3, bends=True)
        for precision in ("float64", "float32"):
            model = surrogate_model(description, metadata={}, precision=precision)
            found[f"{name}, {precision}"] = model, scatter(description, n=20)
    for codes in ALL_CODES:
        likelihood = likelihood_of(EXAMPLE, *codes)
        points = random_points(likelihood.parameters, seed=3, size=20)
        found["-".join(codes)] = exact_model(likelihood.description, metadata={}), points
    return found


def in_wasm(jobs, folder):
    """The outputs of all models in one process."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not there: `.ci/run` installs it")
    if not PACKAGE.is_dir():
        pytest.skip("onnxruntime-web is not there: `make languages` gets it")
    documents = []
    for number, (name, (model, points)) in enumerate(jobs.items()):
        file = folder / f"{number}.onnx"
        file.write_bytes(model.SerializeToString())
        documents.append({"name": name, "file": str(file), "points": points.tolist()})
    (folder / "jobs.json").write_text(json.dumps(documents))
    command = [node, HERE / "web_runtime.mjs", PACKAGE, folder / "jobs.json"]
    return json.loads(subprocess.check_output(command))


def test_wasm_gives_the_same_numbers(jobs, tmp_path):
    """All outputs: to 1e-10 in float64, to 1e-5 where networks compute in float32."""
    everywhere = in_wasm(jobs, tmp_path)
    assert len(everywhere) == 2 * len(ACTIVATIONS) + len(ALL_CODES)
    for name, (model, points) in jobs.items():
        session = onnxruntime.InferenceSession(model.SerializeToString())
        names = [output.name for output in session.get_outputs()]
        tolerance = 1e-5 if "float32" in name else 1e-10
        for key, wanted in zip(names, session.run(names, {"parameters": points}), strict=True):
            texts = [text.replace("Infinity", "inf") for text in everywhere[name][key]]
            found = np.array(texts, dtype=float).reshape(wanted.shape)
            # Gradients near zero are differences of large terms: relative to the largest.
            scale = max(1.0, np.abs(wanted[np.isfinite(wanted)]).max())
            np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * scale, err_msg=name)
