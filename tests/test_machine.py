"""What the machine says of itself, on Linux and on macOS."""

import os

from mia_audit.machine import cores, peak_bytes


def test_cores_are_those_that_this_process_may_use() -> None:
    """No more than the machine has; where the system parts them, exactly its share."""
    assert 1 <= cores() <= (os.cpu_count() or 1)
    if hasattr(os, "sched_getaffinity"):
        assert cores() == len(os.sched_getaffinity(0))


def test_peak_memory_is_in_bytes() -> None:
    """An interpreter with its tests takes between 10 MiB and 64 GiB; macOS counts in bytes, Linux in KiB."""
    assert 10 * 2**20 < peak_bytes("linux") < 2**36
    assert peak_bytes("linux") == 1024 * peak_bytes("darwin")
