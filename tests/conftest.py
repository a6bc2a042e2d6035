"""What every test process begins with."""

import contextlib
import signal

with contextlib.suppress(ValueError):  # only the main thread may; xdist's workers run tests in theirs
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `nohup make test &`: children would inherit that, and not hear an interrupt
        signal.signal(signal.SIGINT, signal.default_int_handler)
