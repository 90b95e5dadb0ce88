"""Options that commands share mean the same in each, and reach the library."""

import pytest
from click.testing import CliRunner
from dnnlik.cli import main
from dnnlik.cli.run import command as run
from dnnlik.cli.validate import command as validate

VALIDATION = ("scan", "scan_parameters", "surrogate_sampler", "quick", "toys")


class Stop(Exception):
    """Raised in place of work."""


@pytest.fixture
def asked(monkeypatch):
    """What `run` and `validate` hand to the library, which then stops."""
    seen = {}

    def record(*arguments, **options):
        seen.update(options)
        raise Stop

    monkeypatch.setattr("dnnlik.workflow.run", record)
    monkeypatch.setattr("dnnlik.steps.validate_step", record)
    monkeypatch.setattr("dnnlik.cli.run.opened_likelihood", lambda *_: "opened")
    monkeypatch.setattr("dnnlik.cli.validate.opened_likelihood", lambda *_: "opened")
    monkeypatch.setattr("dnnlik.cli.run.print_advice", lambda *_: None)
    return seen


def test_run_and_validate_have_the_same_options():
    """One group of options: the same names, kinds and defaults in both commands."""
    one, other = ({p.name: p.to_info_dict() for p in c.params} for c in (run, validate))
    assert {name: one[name] for name in VALIDATION} == {name: other[name] for name in VALIDATION}


@pytest.mark.parametrize("name", ["run", "validate"])
def test_options_of_a_validation_become_a_request(asked, small_run, tmp_path, name):
    """Each option is a field of the request, in both commands; `run` adds its seed."""
    files = [small_run.folder / "samples.h5", small_run.folder / "surrogate.h5"]
    places = [*files, "-o", tmp_path] if name == "validate" else ["-o", tmp_path, "--seed", 4]
    options = (
        *("--scan", "0:1:3", "--scan-parameter", "jes", "--scan-parameter", "b"),
        *("--surrogate-sampler", "hamiltonian", "--quick", "--toys", "7"),
    )
    done = CliRunner().invoke(main, [name, "x.py", *map(str, places), *options])
    assert isinstance(done.exception, Stop), done.output
    assert asked["request"].to_json() == {
        "scan": [0.0, 0.5, 1.0],
        "scan_parameters": ["jes", "b"],
        "sampler": "hamiltonian",
        "quick": True,
        "most_points": 20_000,
        "toys": 7,
        "seed": 4 if name == "run" else 0,
    }


def test_without_options_the_request_is_the_default(asked, tmp_path):
    """No values to scan, points drawn, no toys."""
    CliRunner().invoke(main, ["run", "x.py", "-o", str(tmp_path)])
    found = asked["request"].to_json()
    assert (found["scan"], found["scan_parameters"], found["sampler"]) == (None, [], None)
    assert (found["quick"], found["toys"], found["seed"]) == (False, 0, 0)


@pytest.mark.parametrize(
    "option",
    [
        ("--scan", "0:1:3"),
        ("--scan-parameter", "jes"),
        ("--quick",),
        ("--toys", "5"),
        ("--author", "Family, Given"),
        ("--date", "2026-01-31"),
        ("--description", "a search"),
        ("--accept-below-threshold",),
        ("--points", "100000"),
    ],
)
def test_options_without_a_meaning_are_refused(option, tmp_path):
    """`run --calls` validates nothing: an option of a validation would be ignored in silence."""
    arguments = ["run", "x.py", "--calls", "5000", *option, "-o", str(tmp_path / "x")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert done.stderr.strip().endswith(f"Received: {option[0]}")
