"""Traces of making: what content hides, they show; what nothing was done to, they do not; mirrored, the odd ones change their sign."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mia_audit.statistics.blind import blind
from mia_audit.statistics.traces import pictures_of, traces
from mia_audit.types import Bools, Floats


def pictures(seed: int, count: int = 600) -> tuple[Floats, Bools]:
    """Return smooth pictures of bytes from 0 to 1, [count, 3, 16, 16], and coins."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=(count, 3, 16, 16)), (0, 0, 1.2, 1.2))
    smooth = 0.5 + smooth + 0.3 * rng.normal(size=(count, 1, 1, 1)) * np.linspace(-0.3, 0.3, 16)
    return np.round(255 * smooth.clip(0, 1)) / 255, rng.random(count) < 0.5


CHANGES: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "moved by a pixel": lambda x, _: np.pad(x[..., :-1], [(0, 0)] * 3 + [(1, 0)]),
    "turned by a pixel": lambda x, _: np.roll(x, 1, axis=-1),
    "3 % darker": lambda x, _: 0.97 * x,
    "noise of 0.02": lambda x, rng: (x + rng.normal(0, 0.02, x.shape)).clip(0, 1),
    "other steps": lambda x, _: np.round(63 * x) / 63,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_done_to_one_side_is_seen(change: str) -> None:
    """By traces, where the pixels themselves show nothing that hangs on content."""
    x, member = pictures(0)
    x[~member] = CHANGES[change](x[~member], np.random.default_rng(1))
    assert blind(traces(x), np.zeros(len(x), dtype=np.int64), member, np.random.default_rng(2)).p < 1e-4


def test_nothing_is_seen_where_nothing_was_done() -> None:
    """Of 40 fair splits few are suspected at 5 %: the p is a p."""
    x, _ = pictures(0, 200)
    found = traces(x)
    rng = np.random.default_rng(0)
    p = [blind(found, np.zeros(200, dtype=np.int64), rng.random(200) < 0.5, np.random.default_rng(each)).p for each in range(40)]
    assert sum(each < 0.05 for each in p) <= 5
    assert min(p) > 0.0005


def test_odd_traces_change_their_sign_when_mirrored_and_even_ones_stay() -> None:
    """Each column is one or the other, or one of a pair of borders that change places."""
    x, _ = pictures(0, 20)
    plain, mirrored = traces(x), traces(x[..., ::-1])
    odd = np.isclose(plain, -mirrored).all(axis=0) & ~np.isclose(plain, 0).all(axis=0)
    even = np.isclose(plain, mirrored).all(axis=0)
    places = np.flatnonzero(~odd & ~even)
    assert odd.sum() == 1 + 2 * 3  # the skew along rows, and each pair of channels at each lag
    assert even.sum() > 30
    assert all(any(np.allclose(plain[:, one], mirrored[:, other]) for other in places) for one in places)


def test_pictures_are_known_by_their_shape() -> None:
    """Channels first or last, or none; tables, rows and small squares are no pictures."""
    for given, wanted in (((5, 28, 28), (5, 1, 28, 28)), ((5, 32, 30, 3), (5, 3, 32, 30)), ((5, 3, 32, 30), (5, 3, 32, 30))):
        found = pictures_of(np.zeros(given))
        assert found is not None
        assert found.shape == wanted
    for shape in ((5, 64), (5, 4, 4), (5, 2, 16, 16), (5, 1, 1, 8, 8)):
        assert pictures_of(np.zeros(shape)) is None
    assert np.isfinite(traces(np.zeros((3, 1, 8, 8)))).all()
