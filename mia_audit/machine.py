"""What the machine says of itself, where systems differ: Linux and macOS."""

import os
import resource
import sys


def cores() -> int:
    """Return how many cores this process may use; all of the machine's where the system does not part them (macOS)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_bytes(platform: str = sys.platform) -> int:
    """Return the most memory that this process has taken so far: Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform == "darwin" else peak * 1024
