"""What commands print: JSON without NaN, whatever the result holds."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from dnnlik.cli import main
from dnnlik.cli.output import print_json
from dnnlik.cli.run import _print_table

from dnnlik.sampling.known import write_samples
from dnnlik.surrogate.file import save_surrogate
from dnnlik.workflow import RunResult


def printed(*arguments):
    """The JSON of a command that ended well; NaN in it is a failure."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout, parse_constant=pytest.fail)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_nan_is_no_json(number, capsys):
    """It is refused, not printed: `NaN` is what no other language reads."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"t": [1.0, number]})
    assert capsys.readouterr().out == ""


def test_samples_without_an_r_hat(small_run, tmp_path):
    """A diagnostic that is NaN (a parameter that never moved) is null in what is printed."""
    path = tmp_path / "samples.h5"
    said = small_run.samples.diagnostics | {"r_hat": np.nan, "poi": {"mu": {"r_hat": np.nan}}}
    write_samples(replace(small_run.samples, diagnostics=said), path)
    diagnostics = printed("inspect", path)["diagnostics"]
    assert diagnostics["r_hat"] is None
    assert diagnostics["poi"] == {"mu": {"r_hat": None}}
    assert diagnostics["effective_points"] == said["effective_points"]


def test_a_surrogate_without_a_rank_correlation(small_run, tmp_path):
    """An ensemble of equal spread everywhere has no rank correlation: null, as inspected and
    as `train` says of a finished file."""
    path, samples = tmp_path / "surrogate.h5", small_run.folder / "samples.h5"
    description = small_run.surrogate.description
    calibration = {"factor": 1.0, "rank_correlation": np.nan}
    provenance = {**description.provenance, "calibration": calibration}
    save_surrogate(replace(description, provenance=provenance), path)
    expected = {"factor": 1.0, "rank_correlation": None}
    assert printed("inspect", path)["provenance"]["calibration"] == expected
    options = ("--layers", "32,32", "--max-epochs", 60, "--batch-size", 64)
    assert printed("train", samples, *options, "-o", path)["calibration"] == expected


def test_the_table_of_a_run_without_numbers(capsys):
    """Measures that are null are "none" in the table, not an error after hours of work."""
    validation = {
        "passed": False,
        "checks": [],
        "posterior_error": {"rms": None},
        "quadratic_error": {"rms": None},
        "effective_fraction": None,
        "scans": [{"name": "mu", "mean_error": None}],
    }
    _print_table(RunResult(None, validation, {"train": 2.0}, 3, 100))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[-1].strip() for line in lines[3:6]] == ["none", "none", "none"]
    assert lines[-1].split() == ["bundle", "none"]
