"""The schedule: what the store holds is not trained again, results keep the order of tasks, progress goes on from what was there."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from mia_audit.training import plan, schedule
from mia_audit.training.schedule import Machine, Spent
from mia_audit.training.store import Store

TASKS = [plan.task((number,), np.ones((1, 2), dtype=np.bool_), f"{number:064d}", "any") for number in range(4)]


class Fake:
    """A crew that trains nothing: it stores each task's number, the last first, and says half in between."""

    distant = False

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[str] = []

    def run(self, _: Callable[[Any, Any], Any], items: Sequence[Any], shared: Any, workers: int | None) -> Iterator[tuple[int, Any]]:
        """Yield results, the last item's first."""
        for task in items:
            (shared.beats / task.key).write_text("0.5", encoding="ascii")
        time.sleep(0.6)  # two looks of the parent
        for number, task in reversed(list(enumerate(items))):
            self.asked.append(task.key)
            self.store.save(task.key, {"number": np.array(task.indices)})
            yield number, cast("Any", Spent(seconds=float(task.indices[0]), peak_bytes=workers or 0))


def test_only_what_is_missing_is_trained_and_all_comes_in_order(tmp_path: Path) -> None:
    """Two of four are found; costs are told of the other two, in their order; half of two more is three quarters."""
    store, told = Store(folder=tmp_path), []
    for task in (TASKS[0], TASKS[2]):
        store.save(task.key, {"number": np.array(task.indices)})
    crew = Fake(store)
    machine = Machine(device="cpu", workers=7, progress=told.append, crew=cast("Any", crew))
    trained = schedule.run(TASKS, cast("Any", None), store, machine)
    assert sorted(crew.asked) == [TASKS[1].key, TASKS[3].key]
    assert [int(cohort["number"][0]) for cohort in trained.cohorts] == [0, 1, 2, 3]
    assert trained.spent == (Spent(seconds=1.0, peak_bytes=7), Spent(seconds=3.0, peak_bytes=7))
    assert told
    assert set(told) <= {0.5, 0.625, 0.75}
    assert told[-1] == 0.75
    assert schedule.run(TASKS, cast("Any", None), store, machine).spent == ()
    assert len(crew.asked) == 2
