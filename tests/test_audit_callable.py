"""`mia_audit.audit` on functions whose memory is known: rows that they were trained on raise the score of their label."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import mia_audit
from mia_audit.errors import AuditError
from mia_audit.external import examples, functions
from mia_audit.record.scored import ScoredRecord, load
from mia_audit.types import Bools, Floats, Ints
from tests.support.html import text

ROWS, CLASSES = 300, 3
Model = Callable[[Floats], Floats]


def pool(seed: int = 0) -> tuple[Floats, Ints, Bools]:
    """Return inputs, labels, and who is a member."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(ROWS, 4)), rng.integers(0, CLASSES, ROWS), rng.random(ROWS) < 0.5


def fit(x: Floats, y: Ints, strength: float) -> Callable[[Ints, int], Model]:
    """Return what trains a function that remembers its rows so strongly."""

    def train(indices: Ints, seed: int) -> Model:
        known = {x[place].tobytes() for place in indices.tolist()}
        noise = np.random.default_rng(seed).normal(size=(4, CLASSES))
        of = {row.tobytes(): label for row, label in zip(x, y.tolist(), strict=True)}

        def predict(batch: Floats) -> Floats:
            scores = 0.3 * batch @ noise
            for row, content in enumerate(map(np.ndarray.tobytes, batch)):
                scores[row, of[content]] += 1 + strength * (content in known)
            return scores

        return predict

    return train


def audited(folder: Path, predict: Any, data: Any, member: Bools, **more: Any) -> ScoredRecord:
    """Audit into a folder."""
    return mia_audit.audit(
        predict, data, members=np.flatnonzero(member), nonmembers=np.flatnonzero(~member), out=folder, force=True, **more
    )


def test_a_function_that_remembers_is_found_out(tmp_path: Path) -> None:
    """By its shadow models, whose coins fell on members and non-members alike; the record and its page lie where they were asked for."""
    x, y, member = pool()
    train = fit(x, y, 2.0)
    record = audited(tmp_path, train(np.flatnonzero(member), 7), (x, y), member, train=train, shadows=12)
    assert record.leaks
    assert record.summary.references == 12
    assert record.summary.headline is not None
    assert record.summary.tested_auc.value is not None
    assert record.summary.tested_auc.value > 0.9
    assert record.verdict.startswith("Membership leaks (")
    assert record.summary.doubts == ()
    assert load(tmp_path).id == record.id
    assert record.verdict in text((tmp_path / "report.html").read_text()).replace("\n", " ")


def test_one_that_remembers_nothing_is_not(tmp_path: Path) -> None:
    """Five targets, with shadow models or without: none is called leaky."""
    for seed in range(5):
        x, y, member = pool(seed)
        train = fit(x, y, 0.0)
        assert not audited(tmp_path, train(np.flatnonzero(member), 7), (x, y), member).leaks
    record = audited(tmp_path, train(np.flatnonzero(member), 7), (x, y), member, train=train, shadows=12)
    assert not record.leaks
    assert "found no leakage" in record.verdict


def test_the_answers_that_are_scored_are_the_functions_own(tmp_path: Path) -> None:
    """Asked in another order and put back: the record's AUC of the loss is the one that the function itself gives."""
    x, y, member = pool()
    predict = fit(x, y, 1.0)(np.flatnonzero(member), 7)
    record = audited(tmp_path, predict, (x, y), member, batch=64)
    z = predict(x)
    loss = np.log(np.exp(z).sum(axis=1)) - z[np.arange(ROWS), y]
    found = next(each for each in record.summary.attacks if each.name == "loss")
    wins = (loss[member][:, None] < loss[~member]).mean()
    assert found.auc.value == pytest.approx(wins)
    np.testing.assert_array_equal(record.arrays["member"], member)


@pytest.mark.parametrize("form", ["arrays", "tensors", "items", "frame"])
def test_every_form_of_data_gives_the_same(tmp_path: Path, form: str) -> None:
    """The network is given what the data hold: arrays, tensors, or rows of a frame."""
    x, y, member = pool()
    pd = pytest.importorskip("pandas")
    data = {
        "arrays": (x, y),
        "tensors": (torch.from_numpy(x), torch.from_numpy(y)),
        "items": [(torch.from_numpy(row), int(label)) for row, label in zip(x, y, strict=True)],
        "frame": (pd.DataFrame(x), pd.Series(y)),
    }[form]
    weights = np.random.default_rng(1).normal(size=(4, CLASSES))

    def predict(batch: Any) -> Any:
        assert type(batch).__name__ == {"arrays": "ndarray", "frame": "DataFrame"}.get(form, "Tensor")
        return batch @ (torch.from_numpy(weights) if isinstance(batch, torch.Tensor) else weights)

    record = audited(tmp_path, predict, data, member)
    again = audited(tmp_path, lambda rows: rows @ weights, (x, y), member)
    assert record.summary.tested_auc.value == pytest.approx(again.summary.tested_auc.value)


class Remembering(nn.Module):
    """A network whose answer hangs on what it was asked before."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, CLASSES)
        self.kept = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores."""
        self.kept += 1.0
        return self.layer(x) + self.kept * torch.arange(CLASSES)


class Crowded(nn.Module):
    """A network whose answers hang on the batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores."""
        return (x + torch.arange(len(x))[:, None])[:, :CLASSES]


def test_modes_are_restored_and_states_and_chance_are_said(tmp_path: Path) -> None:
    """Dropout is off while asked; a network that remembers, or looks at neighbours, is named."""
    torch.manual_seed(0)
    x, y, member = pool()
    data = (torch.from_numpy(x).float(), torch.from_numpy(y))
    net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Sequential(nn.BatchNorm1d(8)), nn.Linear(8, CLASSES))
    net[2].eval()
    record = audited(tmp_path, lambda batch: 2 * net(batch), data, member)
    assert record.summary.doubts == ()
    assert "the target was in training mode: asked in evaluation mode, and put back." in record.summary.read.notes
    assert [each.training for each in net.modules()] == [True, True, True, False, False, True]
    assert "Asked twice about one batch" in audited(tmp_path, Remembering(), data, member).summary.doubts[0]
    assert "in another order" in audited(tmp_path, Crowded(), data, member).summary.doubts[0]
    assert "Asked about one batch in another order" in (tmp_path / "report.html").read_text()


def test_membranes_of_nested_neurons_are_reset(tmp_path: Path) -> None:
    """The library's own reset does not reach them; a spiking network that keeps them between batches answers as if it did not."""
    import snntorch as snn  # noqa: PLC0415

    torch.manual_seed(0)
    x, y, member = pool()
    data = (torch.from_numpy(x).float(), torch.from_numpy(y))
    net = nn.Sequential(nn.Linear(4, 32), nn.Sequential(snn.Leaky(beta=0.9, init_hidden=True)), nn.Linear(32, CLASSES))
    assert audited(tmp_path, lambda batch: sum(net(batch) for _ in range(4)), data, member).summary.doubts == ()
    asked = functions.function(net, "it")
    first, again = (asked(data[0][:8], np.arange(8)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_equal_contents_on_both_sides_are_dropped_and_counted(tmp_path: Path) -> None:
    """Neither of them can be a member only; more than one in a hundred is refused."""
    x, y, member = pool()
    inside, outside = np.flatnonzero(member), np.flatnonzero(~member)
    x[outside[0]] = x[inside[0]]
    record = audited(tmp_path, lambda batch: batch[:, :CLASSES], (x, y), member)
    assert "2 examples with an equal one on the other side were left out." in record.summary.read.notes
    assert record.summary.members + record.summary.others == ROWS - 2
    x[outside[:5]] = x[inside[:5]]
    with pytest.raises(AuditError, match="got 10 of 300 with an equal one on the other side, more than 1%"):
        audited(tmp_path, lambda batch: batch[:, :CLASSES], (x, y), member)


def test_sides_that_differ_are_seen_without_the_network(tmp_path: Path) -> None:
    """Inputs are always there to be looked at."""
    x, y, member = pool()
    record = audited(tmp_path, lambda batch: batch[:, :CLASSES], (x + 0.8 * member[:, None], y), member)
    assert record.verdict.startswith("Do not rely on these numbers: a classifier that never sees the network")
    assert not record.leaks


def test_another_kind_of_shadow_models_is_said(tmp_path: Path) -> None:
    """A target that has learnt its members by heart among shadow models that have not."""
    x, y, member = pool()
    record = audited(tmp_path, fit(x, y, 6.0)(np.flatnonzero(member), 7), (x, y), member, train=fit(x, y, 0.5), shadows=8)
    assert record.summary.doubts[0].startswith("The target is another kind of network than its 8 shadow models: its fit to members is")


def test_the_owners_accuracy_is_held_to(tmp_path: Path) -> None:
    """The right network passes; one that is right less often is refused."""
    x, y, member = pool()
    predict = fit(x, y, 0.0)(np.flatnonzero(member), 7)
    right = float((predict(x).argmax(axis=1) == y)[~member].mean())
    audited(tmp_path, predict, (x, y), member, accuracy=right)
    with pytest.raises(AuditError, match=r"the accuracy that its owner measured, 0.\d+ .* it is another network"):
        audited(tmp_path, predict, (x, y), member, accuracy=right - 0.3)


def test_labels_and_one_output_are_taken(tmp_path: Path) -> None:
    """A function that tells classes alone is attacked by what it gets right; one that tells one number is a sigmoid."""
    x, y, member = pool()
    predict = fit(x, y, 2.0)(np.flatnonzero(member), 7)
    decided = audited(tmp_path, lambda batch: predict(batch).argmax(axis=1), (x, y), member, output="labels")
    assert [each.name for each in decided.summary.attacks] == ["correctness"]
    assert decided.summary.right is not None
    assert decided.summary.right.value == pytest.approx((predict(x).argmax(axis=1) == y)[~member].mean())
    assert decided.summary.commonest == pytest.approx(np.bincount(y[~member]).max() / (~member).sum())
    two = audited(tmp_path, lambda batch: batch[:, 0], (x, (y > 0).astype(int)), member)
    assert two.summary.classes == 2
    unlabelled = audited(tmp_path, predict_unlabelled, x, member)
    assert {each.name for each in unlabelled.summary.attacks} == {"confidence", "entropy"}


def predict_unlabelled(batch: Floats) -> Floats:
    """Return the first values as scores."""
    return batch[:, :CLASSES]


def row(place: int) -> Floats:
    """Return one row of the pool."""
    return pool()[0][place]


def scores(batch: Floats) -> Floats:
    """Return the first values as scores."""
    return batch[:, :CLASSES]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predict": 5}, "the target needs to be a function x -> scores or a module, got int"),
        ({"predict": lambda b: len(b) / 0}, "the target could not answer a batch of .* got ZeroDivisionError: division by zero"),
        ({"predict": lambda b: (b, b, b)}, r"got tuple of 3; take the part that holds them, as in lambda x: net\(x\)\[0\]"),
        ({"predict": lambda b: np.zeros((5, len(b), 3))}, r"got float64 \(5, \d+, 3\); sum or average over the other axes"),
        ({"predict": lambda b: b.sum()}, "needs to return scores"),
        ({"predict": lambda b: ["x"] * len(b)}, "needs to return scores"),
        ({"predict": lambda b: np.full((len(b), 3), np.nan)}, r"got NaN or infinity for the example at position \d+"),
        ({"predict": lambda b: np.where(b == row(7), np.nan, b)[:, :3]}, r"at position 7 \(1 of \d+ in its batch are so\)"),
        ({"predict": nn.Linear(4, 3)}, "got ndarray where its torch module takes tensors; give the data as tensors"),
        (
            {"predict": nn.Linear(4, 3), "data": (torch.arange(1200).reshape(300, 4), np.arange(300) % 3)},
            r"got inputs of torch.int64 where its torch module has weights of torch.float32; give x.to\(torch.float32\)",
        ),
        (
            {"members": np.arange(200) % 2},
            r"members needs .* got a mask of 200 zeros and ones; give it as bools, members == 1, one for each",
        ),
        ({"members": np.arange(300) < 150, "nonmembers": np.arange(9) < 5}, r"nonmembers needs .* got a mask of \(9,\)"),
        ({"members": "members.txt"}, "got the text 'members.txt'"),
        ({"members": ["a", "b"]}, "got words or objects"),
        ({"members": []}, "members needs positions .* got none"),
        ({"predict": lambda b: b[:, :2]}, "labels go from 0 to 2, got 2 scores an example"),
        ({"data": "nothing"}, "as arrays or tensors, or a data set .* got str"),
        ({"data": (np.zeros((3, 2)), np.zeros(4))}, "a label for each of 3 examples, got 4"),
        ({"data": (np.zeros((300, 2)), np.full(300, 0.5))}, "labels need whole numbers from 0 or words, got 0.5"),
        ({"data": [{"x": 1}] * 300}, r"needs to give \(x, y\) by position, got dict at 0"),
        ({"members": [0, 0]}, "members needs every position once, got 0 2 times"),
        ({"members": [0, 299]}, "nonmembers need to be others than members, got 299 in both"),
        ({"members": [300]}, "members needs positions from 0 to 299, got 300"),
        ({"members": [0.5]}, "members needs positions of examples, whole numbers from 0, .* got float64"),
        ({"members": range(10)}, "needs 20 members and 20 others at least, got 10 and 150"),
        ({"train": 5}, "train needs to be a function of indices and a seed, got int"),
        ({"train": lambda *_: None}, "train needs to return a function x -> scores or a module, got NoneType"),
        ({"train": lambda _: None}, "train could not fit shadow model 0, got TypeError"),
        ({"train": lambda *_: lambda b: b[:, :2]}, "shadow models need as many scores as the target, got 2 and 3"),
        ({"shadows": -1}, "shadows needs a whole number from 0, got -1"),
        ({"batch": 0}, "batch needs a whole number from 1, got 0"),
        ({"output": "logit"}, "output needs outputs, .* got 'logit'; did you mean 'logits'"),
        ({"accuracy": 80}, "accuracy needs a share from 0 to 1, got 80"),
        ({"seed": "x"}, "seed needs a whole number from 0, got 'x'"),
    ],
)
def test_what_cannot_be_audited_is_one_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """It says what was given and the way out; nothing is written."""
    x, y, _ = pool()
    sound: dict[str, Any] = {"predict": scores, "data": (x, y), "members": range(150), "nonmembers": range(150, 300)}
    with pytest.raises(AuditError, match=message) as caught:
        mia_audit.audit(**{**sound, **change}, out=tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_room_of_that_name_can_still_be_imported_and_called() -> None:
    """`mia_audit.audit` is both: a function, and the room that holds the audit's parts."""
    import mia_audit.audit  # noqa: PLC0415

    room: Any = mia_audit.audit
    assert room.Silent
    with pytest.raises(AuditError, match="got int"):
        room(scores, 5, members=[0], nonmembers=[1])


def test_data_that_change_when_taken_are_noted() -> None:
    """Random augmentation is in the answers then."""
    rng = np.random.default_rng(0)

    class Moving:
        def __len__(self) -> int:
            return 40

        def __getitem__(self, place: int) -> tuple[Any, int]:
            return rng.normal(size=3), place % 2

    assert "another content each time" in examples.given(Moving()).notes[0]
