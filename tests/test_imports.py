"""What importing costs and what it may not need; the order of the rooms."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ["tensorflow", "keras", "pyhf", "emcee", "scipy", "h5py", "onnx", "matplotlib"]

# Each room and what it may import of the others (design: one way, never back).
BASE = {
    "asimov",
    "constraints",
    "documents",
    "environment",
    "exceptions",
    "parameter",
    "parameters",
    "restart",
    "typing",
    "user_files",
}
ALLOWED = {
    "inference": BASE,
    "histfactory": BASE,
    "compiled": BASE,
    "datasets": BASE,
    "likelihoods": BASE | {"compiled", "histfactory"},
    "differentiable": BASE | {"datasets", "histfactory", "inference", "likelihoods"},
    "sampling": BASE | {"likelihoods", "inference"},
    "surrogate": BASE | {"compiled", "devices", "likelihoods", "sampling"},
    "validation": BASE | {"inference", "likelihoods", "sampling", "surrogate"},
    "refinement": BASE | {"inference", "likelihoods", "sampling", "surrogate"},
    "onnx": BASE | {"histfactory", "surrogate"},
    "bundle": BASE | {"histfactory", "onnx", "schemas", "validation", "surrogate"},
    "combination": BASE | {"bundle", "likelihoods"},
    "explorer": BASE | {"bundle"},
    "reweighting": BASE | {"combination", "inference", "sampling"},
    "plotting": BASE | {"inference", "validation"},
}


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_dnnlik_imports_nothing_heavy():
    """`import dnnlik` loads none of the frameworks, and offers all its names."""
    code = f"import sys, dnnlik; print([m for m in {HEAVY} + ['numpy'] if m in sys.modules])"
    assert run_python(code).stdout.strip() == "[]"


def test_every_public_name_resolves():
    """Each name of the package is what its module has; an unknown one is an error."""
    import dnnlik

    for name in dnnlik.__all__:
        assert getattr(dnnlik, name) is not None
    assert set(dnnlik.__all__) == set(dir(dnnlik))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dnnlik.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "hidden"),
    [
        ("from dnnlik.bundle.reader import load", HEAVY),
        ("import dnnlik; dnnlik.load", HEAVY),
        ("import dnnlik; dnnlik.combine, dnnlik.with_priors, dnnlik.open_combination", HEAVY),
        ("from dnnlik.datasets import blobs, cut, one_bin, two_bin", HEAVY),
        ("import dnnlik.inference", ["tensorflow", "keras", "pyhf", "emcee", "h5py", "onnx"]),
    ],
)
def test_rooms_import_with_frameworks_hidden(statement, hidden):
    """Reading a bundle and inference do not need what is hidden here."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({hidden}))"
    result = run_python(f"{hide}\n{statement}")
    assert result.returncode == 0, result.stderr


def rooms_imported_by(path: Path) -> set[str]:
    """First names below dnnlik of everything a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        found |= {n.split(".")[1] for n in names if n.startswith("dnnlik.")}
    return found


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_go_one_way(room):
    """No room imports another that comes after it."""
    place = ROOT / "dnnlik" / room
    files = list(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    imported = set().union(*(rooms_imported_by(path) for path in files)) - {room}
    assert imported <= ALLOWED[room]


@pytest.mark.parametrize(
    ("package", "home"),
    [("pyhf", {"histfactory/workspace.py"}), ("emcee", None), ("keras", None), ("onnx", None)],
)
def test_each_package_has_its_room(package, home):
    """pyhf, emcee and onnx are imported in one room alone, Keras where networks are trained."""
    rooms = {
        "emcee": ("sampling/",),
        "keras": ("surrogate/", "differentiable/"),
        "onnx": ("onnx/",),
    }
    for path in (ROOT / "dnnlik").rglob("*.py"):
        where = path.relative_to(ROOT / "dnnlik").as_posix()
        imports = [
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            for name in (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        ]
        if package in imports:
            assert where in home if home else where.startswith(rooms[package])


def test_every_package_is_installed():
    """A wheel has no others than those in pyproject.toml."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    places = [path.parent.relative_to(ROOT) for path in (ROOT / "dnnlik").rglob("__init__.py")]
    assert set(listed) == {".".join(place.parts) for place in places} | {"dnnlik.cli"}
