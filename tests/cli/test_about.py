"""What the program says of itself: what to cite, and what a bug report needs."""

import json
import platform
import re
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from dnnlik.cli import main

import dnnlik

CITATION = Path(__file__).resolve().parents[2] / "CITATION.cff"


def test_what_to_cite():
    """Balanced BibTeX with one key each; the version and the paper of CITATION.cff."""
    done = CliRunner().invoke(main, ["--cite"])
    assert done.exit_code == 0
    keys = re.findall(r"^@\w+\{([^,]+),$", done.stdout, flags=re.MULTILINE)
    assert len(keys) == len(set(keys)) == done.stdout.count("@")
    assert done.stdout.count("{") == done.stdout.count("}")
    citation = CITATION.read_text()
    assert f"version: {dnnlik.__version__}" in citation
    assert f"version = {{{dnnlik.__version__}}}" in done.stdout
    (paper,) = re.findall(r'"arXiv:([\d.]+)"', citation)
    assert f"eprint = {{{paper}}}" in done.stdout


def test_the_environment():
    """Python's version and the system as they are; devices where they are asked for."""
    done = CliRunner().invoke(main, ["environment"])
    found = json.loads(done.stdout)
    assert found["software"]["python"] == platform.python_version()
    assert found["system"]["machine"] == platform.machine()
    assert found["system"]["processors"] >= 1
    assert "devices" not in found
    found = json.loads(CliRunner().invoke(main, ["environment", "--devices"]).stdout)
    assert "CPU:0" in found["devices"]


@pytest.mark.parametrize(("typed", "offered"), [("vali", "validate"), ("envi", "environment")])
def test_shells_complete_commands(typed, offered):
    """What click offers a shell for the beginning of a command."""
    shell = ShellComplete(main, {}, "dnnlik", "_DNNLIK_COMPLETE")
    assert [item.value for item in shell.get_completions([], typed)] == [offered]
