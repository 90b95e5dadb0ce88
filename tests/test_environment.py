"""The versions that results are stamped with."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import h5py
import numpy as np

from dnnlik import environment
from dnnlik.environment import software_versions


def test_versions_are_those_of_the_modules():
    """Python and packages, as they say themselves."""
    found = software_versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["h5py"] == h5py.__version__
    assert all(isinstance(text, str) and text for text in found.values())


def test_a_package_under_another_name_or_absent(monkeypatch):
    """The CPU build of TensorFlow counts as TensorFlow; what is not there is absent."""

    def version(name):
        if name == "tensorflow-cpu":
            return "2.99"
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment, "version", version)
    found = software_versions()
    assert found["tensorflow"] == "2.99"
    assert found["emcee"] == "absent"


def test_asking_imports_nothing():
    """Versions come from metadata: TensorFlow is not loaded to be asked."""
    code = (
        "import sys; from dnnlik.environment import software_versions; software_versions(); "
        "print({'tensorflow', 'keras', 'emcee', 'pyhf'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
