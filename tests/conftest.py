"""What every test process begins with."""

import contextlib
import os
import signal

with contextlib.suppress(ValueError):  # only the main thread may; xdist's workers run tests in theirs
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `nohup make test &`: children would inherit that, and not hear an interrupt
        signal.signal(signal.SIGINT, signal.default_int_handler)

if os.environ.get("MIA_AUDIT_SHAPES"):  # every call of a layer is held to its axes; `test_models_shapes.py` asks for it
    import pkgutil

    import jaxtyping

    from mia_audit import models

    left = {"kernels", "stacked"}  # kernels are compiled; Brevitas' injectors refuse to be decorated
    names = [module.name for module in pkgutil.iter_modules(models.__path__) if module.name not in left]
    jaxtyping.install_import_hook([f"mia_audit.models.{name}" for name in names], "beartype.beartype")
