"""What suits a user's own data by its size, where its card leaves it open: rules drawn through what suits the catalogue's sets."""

import math
from typing import Any

from mia_audit.data.cards import Defaults

_POOL, _THIRD, _TEST = 10_000, 1_000, 2_000  # at most
_STEPS = 600  # of training, about, as the catalogue's sets have


def completed(told: Defaults, shape: tuple[int, ...], examples: int, test: int | None) -> Defaults:
    """Return the defaults with every open one filled in; `examples` of the training part, `test` of a test part where there is one."""
    own = told.model_dump(exclude_none=True)
    tested = own.get("test", min(_TEST, examples // 5 if test is None else test))
    third = own.get("population", min(_THIRD, examples // 12))
    pool = own.get("pool", max(1, min(_POOL, examples - third - (tested if test is None else 0))))
    members = pool / 2
    batch = own.get("batch_size", 2 ** min(7, max(3, round(math.log2(members / 20)))))
    epochs = min(60, max(12, round(_STEPS * batch / members)))
    found: dict[str, Any] = {
        "pool": pool,
        "population": third,
        "test": tested,
        "batch_size": batch,
        "epochs": epochs,
        "learning_rate": 5e-3 if pool < 2_000 else 2e-3,
        **(_picture(max(shape[1:])) if len(shape) == 3 else {"hidden": (64,) if shape[0] < 64 else (128,) if shape[0] < 256 else (256,)}),
    }
    return Defaults(**{**found, **own})


def _picture(side: int) -> dict[str, Any]:
    """Return a convolutional network's sizes: larger pictures get fewer channels, so that the dense layer stays small."""
    channels, hidden = ((8, 16), 128) if side <= 16 else ((16, 32), 128) if side <= 48 else ((8, 16), 64)
    return {"channels": channels, "hidden": (hidden,), "kernel": 3, "padding": 1}
