"""A page or table is written whole or not at all, and only ever takes the place of a file."""

import os
import threading
from pathlib import Path

import pytest

from mia_audit.report.writing import write_whole


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    """A device such as /dev/full or /dev/stdout must never be replaced by a file; a named pipe stands for it here."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[str] = []
    listener = threading.Thread(target=lambda: heard.append(pipe.read_text(encoding="utf-8")), daemon=True)
    listener.start()
    write_whole(pipe, "a page\n")
    listener.join(timeout=5)
    assert pipe.is_fifo()
    assert heard == ["a page\n"]


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    """Whoever links a page elsewhere finds it there."""
    (tmp_path / "link").symlink_to(tmp_path / "page")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page").read_text(encoding="utf-8") == "new"


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """Half a text (here up to a letter that UTF-8 does not have) is no text, and no part of it stays behind."""
    page = tmp_path / "page"
    write_whole(page, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(page, "x" * 100_000 + "\ud800")
    assert page.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [page]
