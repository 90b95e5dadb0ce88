"""Where the programs of docs/examples and what they need are; who lacks them skips."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
MODULES = EXAMPLES / "javascript" / "node_modules" / "onnxruntime-node"
HEADER = EXAMPLES / "c" / "onnxruntime"
STRICT = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic"]


def needed(program: str) -> str:
    """The path of a program, or a skipped test."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not there: `.ci/run` installs it")
    return found


def compile_command(source: Path, program: Path) -> list[str | Path]:
    """How to compile a file of C against ONNX Runtime, every warning an error."""
    if not (HEADER / "onnxruntime_c_api.h").is_file():
        pytest.skip("onnxruntime_c_api.h is not there: `make languages` gets it")
    library = _library()
    linked = [library, f"-Wl,-rpath,{library.parent}", "-lm"]
    return [needed("cc"), *STRICT, source, "-I", HEADER, *linked, "-o", program]


def _library() -> Path:
    """The library inside of onnxruntime-node; it carries the C API."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "none")
    found = MODULES / "bin" / "napi-v6" / "linux" / machine / "libonnxruntime.so.1"
    if platform.system() != "Linux" or not found.is_file():
        pytest.skip(f"no libonnxruntime.so.1 for this machine in {MODULES.name}: `make languages`")
    return found
