"""The page in a bundle: its files, their checksums, what is refused."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from dnnlik.cli.bundle import command

from dnnlik.bundle.checksums import checksums_text, verify_checksums
from dnnlik.bundle.verification import verify_bundle
from dnnlik.exceptions import InvalidFile
from dnnlik.explorer import RUNTIME_FILES, add_explorer


@pytest.fixture
def package(tmp_path):
    """A folder that looks like the npm package."""
    folder = tmp_path / "onnxruntime-web"
    (folder / "dist").mkdir(parents=True)
    (folder / "package.json").write_text('{"name": "onnxruntime-web", "version": "1.2.3"}')
    for name in (*RUNTIME_FILES, "ort.webgpu.mjs"):
        (folder / "dist" / name).write_text(name)
    return folder


@pytest.fixture
def bundle(small_run, tmp_path):
    return shutil.copytree(small_run.folder / "bundle", tmp_path / "bundle")


def test_the_bundle_stays_whole(bundle, package):
    """All checks of a bundle pass with the page inside, and its old files are as they were."""
    before = {line for line in checksums_text(bundle).splitlines() if "SHA256SUMS" not in line}
    page = add_explorer(bundle, package)
    assert page == bundle / "explorer" / "index.html"
    assert all(check.passed for check in verify_bundle(bundle))
    assert before < set(checksums_text(bundle).splitlines())
    names = {path.name for path in (bundle / "explorer" / "runtime").iterdir()}
    assert names == {*RUNTIME_FILES, "LICENSE", "package.json"}
    assert "MIT License" in (bundle / "explorer" / "runtime" / "LICENSE").read_text()
    assert not list(bundle.parent.glob(".*dnnlik*"))


def test_every_file_that_the_page_names_is_there(bundle, package):
    """Modules, styles and links of the page point to files of the bundle."""
    folder = add_explorer(bundle, package).parent
    text = "".join(path.read_text() for path in folder.glob("*.*"))
    for path in folder.glob("*.mjs"):
        assert path.name in text
    named = [part.split('"')[0] for part in text.split('from "./')[1:]]
    named += [part.split('"')[0] for key in ('href="', 'src="') for part in text.split(key)[1:]]
    assert {"page.mjs", "fit.mjs", "style.css", "runtime/LICENSE"} <= set(named)
    for name in named:
        assert name.startswith("data:") or (folder / name).is_file()
    assert "https://" not in text


def test_again_renews_it(bundle, package):
    """A second time gives the same list; a file that the page no longer has is gone."""
    add_explorer(bundle, package)
    first = (bundle / "SHA256SUMS").read_text()
    (bundle / "explorer" / "old.mjs").write_text("old")
    (bundle / "SHA256SUMS").write_text(checksums_text(bundle))
    add_explorer(bundle, package)
    assert (bundle / "SHA256SUMS").read_text() == first


def test_damage_is_not_signed(bundle, package):
    """A bundle that is not what it was gets no new checksums."""
    (bundle / "metadata.json").write_text("{}")
    with pytest.raises(InvalidFile, match=r"damaged: metadata\.json"):
        add_explorer(bundle, package)
    assert not (bundle / "explorer").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: (p / "package.json").write_text('{"name": "left-pad"}'), "npm install"),
        (lambda p: (p / "package.json").unlink(), "npm install"),
        (lambda p: (p / "dist" / RUNTIME_FILES[1]).unlink(), "without ort-wasm"),
    ],
)
def test_another_package_is_refused(bundle, package, change, said):
    """One line that says what is wanted; the bundle stays as it was."""
    change(package)
    before = (bundle / "SHA256SUMS").read_text()
    with pytest.raises(InvalidFile, match=said) as caught:
        add_explorer(bundle, package)
    assert "\n" not in str(caught.value)
    assert (bundle / "SHA256SUMS").read_text() == before


def test_the_command(bundle, package):
    """`dnnlik bundle explorer` prints where the page is."""
    result = CliRunner().invoke(command, ["explorer", str(bundle), "--runtime", str(package)])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["page"] == str(bundle / "explorer" / "index.html")
    assert (bundle / "explorer" / "fit.mjs").is_file()


def test_the_present_folder_is_a_bundle_too(bundle, package, monkeypatch):
    """ "." has no name of its own, and gets its page all the same."""
    monkeypatch.chdir(bundle)
    add_explorer(".", package)
    assert all(check.passed for check in verify_bundle(bundle))


def test_a_kill_leaves_a_bundle_that_opens(bundle, package, monkeypatch):
    """Killed while the page is exchanged: no listed file is missing, and again mends it."""
    add_explorer(bundle, package)

    def kill(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("dnnlik.explorer.files.os", SimpleNamespace(replace=kill))
        with pytest.raises(KeyboardInterrupt):
            add_explorer(bundle, package)
    assert not (bundle / "explorer").exists()
    verify_checksums(bundle)
    add_explorer(bundle, package)
    assert all(check.passed for check in verify_bundle(bundle))
