"""The command, in a process of its own or in that of the tests."""

import io
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest
from dnnlik.cli import main

COMMAND = [sys.executable, "-m", "dnnlik.cli"]


@dataclass(frozen=True)
class Done:
    """How a command ended, as `subprocess.run` says it."""

    returncode: int
    stdout: str
    stderr: str


def dnnlik(*arguments, cwd="."):
    """Run the command to its end, in this process: TensorFlow starts once."""
    out, err = io.StringIO(), io.StringIO()
    with (
        chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main([str(argument) for argument in arguments])
    return Done(ended.value.code, out.getvalue(), err.getvalue())


def dnnlik_alone(*arguments, cwd=None):
    """Run the command to its end as users do: whatever is printed is seen, by libraries too."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
