"""JSON documents: clear errors, whole files, canonical digests."""

from __future__ import annotations

import errno
import hashlib
import os

import pytest

from dnnlik.documents import (
    digest_of,
    read_json,
    reason_of,
    replaced,
    write_bytes,
    write_json,
    write_text,
)
from dnnlik.exceptions import InvalidFile


def test_round_trip(tmp_path):
    """What is written is read, in a directory that is made for it, and ends with a line."""
    path = tmp_path / "new" / "document.json"
    document = {"b": [1, 2.5, None], "a": {"µ": "text"}}
    write_json(path, document)
    assert read_json(path) == document
    assert path.read_text(encoding="utf-8").endswith("}\n")
    assert [file.name for file in path.parent.iterdir()] == ["document.json"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no valid JSON"),
        (b'{"a": 1', "no valid JSON"),
        (b"\xff\xfe", "no valid JSON"),
        (b"[1]", "expected a JSON object. Received: a list"),
        (b"3", "expected a JSON object. Received: a int"),
    ],
)
def test_what_is_no_object_is_refused(tmp_path, content, complaint):
    """One line that names the file."""
    path = tmp_path / "document.json"
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match=f"{complaint}.*document.json") as caught:
        read_json(path)
    assert "\n" not in str(caught.value)


def test_missing_files_and_directories_are_refused(tmp_path):
    """A wrong path is one line; so is a directory."""
    with pytest.raises(InvalidFile, match="no such file"):
        read_json(tmp_path / "nowhere.json")
    with pytest.raises(InvalidFile, match="cannot read"):
        read_json(tmp_path)


def test_nan_is_not_json(tmp_path):
    """A number that other languages cannot read is refused, and nothing is written."""
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "document.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    """A disk that is full half-way: one line, the old text, no rests."""
    path = tmp_path / "document.txt"
    write_text(path, "old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidFile, match=r"\(No space left on device\).*document\.txt"):
        write_text(path, "new text")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["document.txt"]


def test_an_interrupted_write_keeps_the_old_file(tmp_path):
    """Ctrl-C between two parts: the old content, no rests, and the interruption goes on."""
    path = tmp_path / "calls"
    write_text(path, "old")

    def interrupted():
        with replaced(path) as file:
            file.write(b"half of the ")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["calls"]


def test_the_error_names_the_file(tmp_path):
    """What could not be written, the reason, and where; the folder is in the way of nothing."""
    (tmp_path / "occupied").write_text("")
    with pytest.raises(InvalidFile, match=r"cannot write the calls \(.*\). Received: .*occupied"):
        write_bytes(tmp_path / "occupied" / "calls", b"", what="the calls")


def test_digests_depend_on_meaning_only():
    """SHA-256 of the text with sorted keys and without blanks; any value matters."""
    text = b'{"a":[1,2],"b":null}'
    assert digest_of({"b": None, "a": [1, 2]}) == hashlib.sha256(text).hexdigest()
    assert digest_of({"a": (1, 2), "b": None}) == digest_of({"b": None, "a": [1, 2]})
    assert digest_of({"a": [2, 1], "b": None}) != digest_of({"a": [1, 2], "b": None})


def test_reasons_are_one_line():
    """The system's own words where there is a number, else the text, cut."""
    assert reason_of(OSError(errno.ENOSPC, "long\nstory")) == os.strerror(errno.ENOSPC)
    told = RuntimeError("file write failed: time = now\n, errno = 27, buf = 0x0")
    assert reason_of(told) == os.strerror(27)
    assert reason_of(OSError("no\nnumber")) == "no number"
    assert len(reason_of(ValueError("x " * 500))) <= 200
