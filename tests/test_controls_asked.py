"""What models were asked and trained on is kept and held against the recipe: defects planted inside the pipeline are told."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mia_audit import signals
from mia_audit.attacks import ATTACKS, Attack
from mia_audit.attacks.cards import card_names, load_attacks, load_card
from mia_audit.audit.controls.entered import expected, nonsense, offline_control, queries_control, trained_control
from mia_audit.catalogue import load_recipe, override
from mia_audit.data import entrance
from mia_audit.data.augmenting import Moves
from mia_audit.data.fingerprint import bound, fingerprints
from mia_audit.data.profiles import resolve
from mia_audit.models.network import Population
from mia_audit.recipe import Data, Recipe
from mia_audit.record import Control, Record, verdict
from mia_audit.report import render
from mia_audit.signals import Signals, query
from mia_audit.streams import stream
from mia_audit.training import feeding, worker
from mia_audit.training.batches import Batch, looked_at
from mia_audit.training.lockstep import Cohort
from mia_audit.training.store import Store
from mia_audit.types import Evidence, Floats, Signal
from tests.support.engine_runs import SMALL, small_audit
from tests.support.planted import planted

IMAGES = {"training.epochs": 1, "data.pool": 80, "data.population": 10, "data.test": 20, "model.channels": [2, 2], "audit.turns": False}
MOVED = {**IMAGES, "data.augment": ["crop", "flip"], "data.crop_padding": 1, "audit.queries": 2, "audit.augmented_queries": True}

Query = Callable[[Population, Floats, Recipe], Signals]


def control(record: Record, name: str) -> Control:
    """Return a control of a record."""
    return next(each for each in record.summary.controls if each.name == name)


def audited(folder: Path, settings: dict[str, object], target: str = "ann") -> Record:
    """Audit a few digits."""
    return small_audit(folder, target, dataset="digits", attacks="lira-offline", shadows=16, settings=settings)


SPIKES = {"model.time_steps": 3, "model.encoding": "rate", "audit.queries": 2}
QUANTIZED = {"model.quantization.when": "post-training", "model.quantization.weight_bits": 4, "model.quantization.activation_bits": 4}


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        ("ann", IMAGES),
        ("ann", MOVED),
        ("ann", {**IMAGES, "training.checkpoints": [1], "model.norm": "batch", **QUANTIZED}),
        ("snn", {**MOVED, **SPIKES, "training.epochs": 2}),
        ("snn", {**IMAGES, **SPIKES, "model.encoding": "latency", **QUANTIZED}),
    ],
)
def test_a_sound_pipeline_asks_and_feeds_as_the_recipe_says(tmp_path: Path, target: str, settings: dict[str, object]) -> None:
    """Plain, moved and encoded inputs, of two cohorts and at checkpoints, asked and trained on; and the report says so."""
    record = audited(tmp_path, settings, target=target)
    for name in ("same queries", "coins as trained", "fed as dealt", "offline attacks"):
        assert control(record, name).passed is True, control(record, name).detail
    assert "of each of 80 examples" in control(record, "same queries").detail
    page = render([record])
    assert "must be asked alike" in page


def members_moved(rows: np.ndarray, real: Query) -> Query:
    """Return a query that puts some examples' mirror images to the models."""

    def asked(population: Population, inputs: Floats, recipe: Recipe) -> Signals:
        changed = inputs.copy()
        if len(inputs) == rows.size:
            changed[rows] = inputs[rows][:, :, ::-1]
        return real(population, changed, recipe)

    return asked


def test_members_asked_through_another_transform_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect 3 of the published protocol, inside the worker: the target's members are mirrored before they are asked about."""
    row = audited(tmp_path / "sound", IMAGES).arrays["membership"][0]
    monkeypatch.setattr(worker, "query", members_moved(row, query))
    record = audited(tmp_path / "planted", IMAGES)
    found = control(record, "same queries")
    assert found.passed is False
    assert f"for {row.sum()} of {row.sum()} members and 0 of {(~row).sum()} non-members" in found.detail
    assert "Do not rely on this audit" in verdict(record.summary)
    assert control(record, "blind classifier").passed is True, "the stored examples are as they should be"


def test_one_cohort_asked_otherwise_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second cohort alone is asked about mirror images of everything."""
    everybody = members_moved(np.ones(80, dtype=np.bool_), query)

    def asked(population: Population, inputs: Floats, recipe: Recipe) -> Signals:
        return (query if population.models == 16 else everybody)(population, inputs, recipe)

    monkeypatch.setattr(worker, "query", asked)
    assert control(audited(tmp_path, IMAGES), "same queries").passed is False


def test_moves_that_look_at_the_example_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Augmented queries whose draws are not those of the recipe's stream: half of the pool is left in its place."""
    real = signals.augmenting.draw

    def drawn(data: Data, count: int, rng: np.random.Generator) -> Moves:
        moves = real(data, count, rng)
        still = np.arange(count) < count // 2
        return moves._replace(corners=np.where(still[:, None], data.crop_padding, moves.corners), mirrored=moves.mirrored & ~still)

    record = audited(tmp_path / "sound", MOVED)
    inputs = np.random.default_rng(0).random((80, 8, 8, 1), dtype=np.float32)
    should = expected(inputs, record.summary.recipe)
    monkeypatch.setattr(signals, "_augmented", lambda images, recipe, number: _by(drawn, images, recipe, number))
    found = control(audited(tmp_path / "planted", MOVED), "same queries")
    assert found.passed is False
    assert should.shape == (2, 80)
    assert (should[0] != should[1]).any(), "every query has its own moves"


def _by(draw: Callable[..., Moves], images: Floats, recipe: Recipe, number: int) -> Floats:
    moves = draw(recipe.data, len(images), stream(recipe.training.seed, "query-augment", number))
    moved: Floats = signals.augmenting.moved(torch.from_numpy(images), moves, recipe.data.crop_padding).numpy()
    return moved


def test_a_model_trained_on_other_examples_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Model 3 is handed one non-member more than its coins allow."""

    def cohort(*, indices: tuple[int, ...], rows: np.ndarray) -> Cohort:
        changed = rows.copy()
        if 3 in indices:
            changed[3, np.flatnonzero(~rows[3])[0]] = True
        return Cohort(indices=indices, rows=changed)

    monkeypatch.setattr(worker, "Cohort", cohort)
    found = control(audited(tmp_path, IMAGES), "coins as trained")
    assert found.passed is False
    assert found.detail.endswith("1 models were trained on others than their coins say; model 3 differs in 1.")


def test_models_of_an_older_version_stay_readable(tmp_path: Path) -> None:
    """Cohorts without what was asked give the same numbers, and the controls say that they were not run."""
    first = audited(tmp_path, IMAGES)
    store = Store(folder=tmp_path / "store")
    for path in store.folder.rglob("*.safetensors"):
        kept = store.load(path.stem)
        assert kept is not None
        store.save(
            path.stem, {name: value for name, value in kept.items() if not name.startswith(("pool/entered", "pool/trained_on", "pool/fed"))}
        )
    again = audited(tmp_path, IMAGES)
    assert again.run["cohorts_trained_now"] == 0
    assert again.summary.attacks == first.summary.attacks
    for name in ("same queries", "coins as trained", "fed as dealt"):
        assert control(again, name).passed is None
        assert "Not checked" in control(again, name).detail


def test_fingerprints_are_torchs_and_change_with_any_bit() -> None:
    """What a query keeps is what NumPy works out of the same inputs; one bit of one value changes one example's."""
    recipe = resolve(override(load_recipe("ann"), {"data.dataset": "digits", "data.pool": 40, **SMALL}))
    inputs = np.random.default_rng(1).random((3_000, 8, 8, 1), dtype=np.float32)
    population = worker.build(recipe, (0, 1), worker.Pool(inputs=inputs, labels=np.zeros(3_000, dtype=np.int64), classes=10)).eval()
    asked = query(population, inputs, recipe).entered
    np.testing.assert_array_equal(asked, fingerprints(inputs)[None, None])
    assert np.unique(asked).size == 3_000
    changed = inputs.copy()
    changed.view(np.int32)[7, 3, 3, 0] ^= 1
    assert np.flatnonzero(fingerprints(changed) != asked[0, 0]).tolist() == [7]


def test_controls_name_what_does_not_fit() -> None:
    """Another number of queries or models is no match, whatever is in it."""
    prints, rows = np.zeros((2, 1, 5), dtype=np.int64), np.ones((3, 5), dtype=np.bool_)
    assert queries_control(prints, np.zeros((2, 5), dtype=np.int64), rows[0]).passed is False
    assert queries_control(prints, prints[0], rows[0]).passed is True
    assert trained_control(rows, rows[:2]).passed is False
    assert trained_control(rows, rows).passed is True


def spoilt(seen: Evidence) -> Evidence:
    """Return the evidence with every answer and signal of models trained with an example turned to nonsense."""
    others = {
        name: Signal(target=one.target, shadows=np.where(seen.trained_on.reshape(*seen.trained_on.shape, *[1] * (one.shadows.ndim - 2)),
                                                         np.float32(0.5) * one.shadows[::-1] + 1, one.shadows))
        for name, one in seen.signals.items()
    }  # fmt: skip
    return replace(seen, shadows=nonsense(seen.shadows, seen.trained_on), signals=others)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=lambda attack: attack.name)
def test_an_attack_is_offline_if_its_card_says_so(attack: Attack) -> None:
    """Its scores do not change when models trained with the example answer nonsense; those of every other attack on shadow models do."""
    seen, _ = planted(1.0, examples=200)
    card = load_card(attack.name)
    same = np.array_equal(attack.score(seen), attack.score(spoilt(seen)))
    asks_nobody = "shadows" not in attack.needs
    assert same == (card.offline or asks_nobody)
    assert card.offline == attack.offline


def test_a_card_that_claims_to_be_offline_is_held_to_it() -> None:
    """The control passes the four offline attacks and names an online one whose card lies."""
    seen, _ = planted(1.0, examples=200)
    offline = [name for name in card_names() if load_card(name).offline]
    assert offline == ["attack-r", "difficulty-calibration", "lira-offline", "rmia-offline"]
    assert offline_control(list(load_attacks(offline)), seen).passed is True
    ((card, attack),) = load_attacks(["lira-online"])
    found = offline_control([*load_attacks(offline), (card.model_copy(update={"offline": True}), attack)], seen)
    assert found.passed is False
    assert found.detail.startswith("Not offline: scores of lira-online change")


def brighter(rows: np.ndarray) -> Callable[..., object]:
    """Return asking by which some of the pool's examples are put to the models 10 % brighter, after all that is noted of them."""
    real = signals._ask

    def asked(population: Population, models: int, x: torch.Tensor, recipe: Recipe, generator: torch.Generator) -> object:
        if len(x) == rows.size:
            x = torch.where(torch.from_numpy(rows)[:, None, None, None], 1.1 * x, x)
        return real(population, models, x, recipe, generator)

    return asked


def test_members_asked_brighter_at_the_last_moment_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What enters the network is looked at, not what was meant to be asked."""
    row = audited(tmp_path / "sound", IMAGES).arrays["membership"][0]
    monkeypatch.setattr(signals, "_ask", brighter(row))
    found = control(audited(tmp_path / "planted", IMAGES), "same queries")
    assert found.passed is False
    assert f"for {row.sum()} of {row.sum()} members and 0 of {(~row).sum()} non-members" in found.detail


def test_models_asked_in_training_mode_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch norm would normalize by the other examples of the query: inputs are right, the mode is not."""
    real = worker.query

    def asked(population: Population, *rest: object) -> Signals:
        return real(population.train(), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "query", asked)
    found = control(audited(tmp_path, {**IMAGES, "model.norm": "batch"}), "same queries")
    assert found.passed is False
    assert "while training" in found.detail


def before(batch: Batch) -> Batch:
    """Return a batch of the examples that stand one place before those that are noted."""
    return Batch(positions=batch.positions - 1, weights=batch.weights)


def heavier(batch: Batch) -> Batch:
    """Return a batch in which each model's first example counts twice."""
    weights = batch.weights.copy()
    weights[:, 0] *= 2
    return Batch(positions=batch.positions, weights=weights)


@pytest.mark.parametrize("change", [before, heavier])
@pytest.mark.parametrize("settings", [IMAGES, MOVED])
def test_batches_noted_and_fed_otherwise_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], change: Callable[[Batch], Batch]
) -> None:
    """The notes say that all is well; what entered does not."""
    real = feeding.Feed.batch
    monkeypatch.setattr(feeding.Feed, "batch", lambda self, batch, number: real(self, change(batch), number))
    record = audited(tmp_path, settings)
    assert control(record, "coins as trained").passed is True
    found = control(record, "fed as dealt")
    assert found.passed is False
    assert found.detail.startswith("Other inputs, labels or weights entered 18 of 18 models")


def test_labels_of_others_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inputs are right, and each example has its neighbour's label in the batch: the same labels in all."""
    real = feeding.Feed.batch

    def batch(self: feeding.Feed, given: Batch, number: int) -> object:
        x, labels, passage = real(self, given, number)
        return x, labels.roll(1, dims=1), passage

    monkeypatch.setattr(feeding.Feed, "batch", batch)
    assert control(audited(tmp_path, IMAGES), "fed as dealt").passed is False


def test_quantizers_calibrated_on_members_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many examples of the pool in place of those set aside."""
    real = worker.calibrated

    def calibrated(blank: Population, trained: Population, recipe: Recipe, inputs: Floats, device: torch.device) -> Population:
        return real(blank, trained, recipe, np.roll(inputs, 1, axis=2), device)

    monkeypatch.setattr(worker, "calibrated", calibrated)
    found = control(audited(tmp_path, {**IMAGES, **QUANTIZED}), "fed as dealt")
    assert found.passed is False
    assert found.detail == "Quantizers were calibrated on other examples than those set aside for it."


def test_steps_that_are_looked_at_are_drawn_from_all() -> None:
    """The first and the last always, three more from the seed's stream, the same ones every time."""
    found = looked_at(500, 3)
    assert {0, 499} <= found
    assert 3 <= len(found) <= 5
    assert found == looked_at(500, 3) != looked_at(500, 4)
    assert looked_at(1, 0) == {0}


def test_what_enters_is_bound_to_its_label_whatever_the_order() -> None:
    """Sums tell a swap of labels, not a change of order; padding and the model axis are no part; NumPy and torch agree."""
    rng = np.random.default_rng(2)
    x = torch.from_numpy(rng.random((2, 1, 6, 4, 4, 1), dtype=np.float32))
    labels, weights = torch.arange(6).repeat(2, 1), torch.tensor([[0.25] * 4 + [0.0] * 2] * 2)
    with entrance.watched(torch.nn.Identity()) as looks:
        pass
    assert looks == []
    network = torch.nn.Flatten()
    with entrance.watched(network) as looks:
        network(x)
    network(x)
    assert len(looks) == 1
    found = entrance.fed(looks[0], labels, weights)
    order = torch.tensor([3, 1, 2, 0, 5, 4])
    again = entrance.Look(prints=looks[0].prints[:, order], training=False)
    assert torch.equal(entrance.fed(again, labels[:, order], weights), found)
    assert not torch.equal(entrance.fed(looks[0], labels[:, order], weights), found)
    each = bound(fingerprints(x[0, 0].numpy()), labels[0].numpy(), weights[0].numpy().view(np.int32).astype(np.int64))
    assert found[0] == each[:4].sum()
    shared = x[:1].expand(5, *x.shape[1:])
    assert entrance.prints(shared).shape == (1, 6)
    assert torch.equal(entrance.prints(shared)[0], entrance.prints(x)[0])
