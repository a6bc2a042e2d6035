"""Small synthetic records for tests: seeded, quick, and honest (every number is computed from the record's own arrays)."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import beta, norm, rankdata

from mia_audit.arrays import digest
from mia_audit.recipe import Audit, Bits, Data, Model, Neuron, Quantization, Recipe, Training
from mia_audit.record import (
    SCHEMA_VERSION,
    Arrays,
    AttackResult,
    Control,
    Counts,
    DataFacts,
    Engine,
    Estimate,
    Power,
    RateAtFPR,
    Record,
    Summary,
    Utility,
)
from mia_audit.types import Bools, Floats, Ints
from tests.support.sketches import SKETCHES, Sketch

FPRS = (0.1, 0.01, 0.001)


def make_record(
    name: str = "snn-q4",
    *,
    summary: str = "Spiking network on synthetic data.",
    dataset: str = "digits",
    spiking: bool = True,
    leaky: bool = True,
    exposed: bool = True,
    failed_control: bool = False,
    image: bool = True,
    colour: bool = False,
    weight_bits: Bits = 4,
    activation_bits: Bits = 4,
    surrogate: str = "sre",
    training_seed: int = 0,
    strength: float = 1.0,
    accuracy: float = 0.95,
    pool: int = 1400,
    shadows: int = 8,
    classes: Sequence[str] = tuple("0123456789"),
    sketches: Sequence[Sketch] = SKETCHES,
    run: dict[str, object] | None = None,
    seed: int = 0,
) -> Record:
    """Return a record whose numbers all follow from its arrays; the same arguments give the same record."""
    rng = np.random.default_rng(seed)
    shape = ((3 if colour else 1), 8, 8) if image else (4,)
    effects = {sketch.name: strength * sketch.strength if leaky else 0.0 for sketch in sketches}
    arrays = _arrays(rng, pool, shadows, len(classes), accuracy, sketches, effects)
    results = tuple(_result(sketch, arrays, rng) for sketch in sketches)
    headline = max(results, key=lambda result: result.rehearsal_auc).name
    recipe = Recipe(
        name=name,
        summary=summary,
        data=Data(dataset=dataset, pool=pool, population=100, test=arrays["test_labels"].size),
        model=Model(
            architecture="conv" if image else "mlp",
            hidden=(128,),
            channels=(8, 16),
            kernel=3,
            padding=1,
            neuron=Neuron(surrogate=surrogate) if spiking else None,
            time_steps=10 if spiking else 1,
            quantization=Quantization(weight_bits=weight_bits, activation_bits=activation_bits),
        ),
        training=Training(epochs=30, batch_size=32, learning_rate=5e-3, seed=training_seed),
        audit=Audit(shadows=shadows, attacks=tuple(sketch.name for sketch in sketches)),
    )
    facts = DataFacts(
        name=dataset,
        title=f"Synthetic {dataset}",
        sha256=f"{abs(hash_of(dataset)):064x}",
        kind="image" if image else "table",
        shape=shape,
        classes=tuple(classes),
        public=exposed,
    )
    return Record(
        summary=Summary(
            schema_version=SCHEMA_VERSION,
            recipe=recipe,
            data=facts,
            counts=_counts(arrays, shadows),
            engine=Engine(version="0.1.0", device_type="cpu", cohort_size=8, parameters=12_345),
            utility=_utility(arrays, spiking=spiking),
            attacks=results,
            headline=headline,
            controls=_controls(results, failed=failed_control),
            power=_power(arrays),
            warnings=(),
            arrays_sha256=digest(arrays),
        ),
        arrays=arrays,
        run=default_run(name) if run is None else run,
        exposed=_exposed(rng, arrays, headline, shape) if exposed else {},
    )


def default_run(name: str) -> dict[str, object]:
    """Return what run.json would hold."""
    return {
        "command": f"mia-audit run --target {name} --shadows 8 --seed 0",
        "versions": {"python": "3.11.2", "numpy": "2.3.0", "torch": "2.8.0"},
        "machine": {"cpus": 2, "system": "Linux"},
        "started": "2025-01-01T00:00:00Z",
        "seconds": {"training": 31.2, "attacks": 2.5},
    }


def hash_of(text: str) -> int:
    """Return a number that belongs to a text, the same in every process."""
    return int.from_bytes(text.encode()[:16], "big")


def auc_of(scores: Floats, member: Bools) -> float:
    """Return the probability that a member scores above a non-member, ties counting half: Mann and Whitney's mid-ranks."""
    return float(_placements(scores, member).mean())


def tpr_of(scores: Floats, member: Bools, fpr: float) -> float:
    """Return the largest TPR of a threshold whose FPR is at most `fpr`: members above the first non-member too many."""
    outside = np.sort(scores[~member])[::-1]
    allowed = int(fpr * outside.size + 1e-9)
    return float((scores[member] > outside[allowed]).mean()) if allowed < outside.size else 1.0


def _arrays(  # noqa: PLR0917 - a test's factory
    rng: np.random.Generator,
    pool: int,
    shadows: int,
    classes: int,
    accuracy: float,
    sketches: Sequence[Sketch],
    effects: dict[str, float],
) -> dict[str, np.ndarray]:
    membership = rng.random((2 + shadows, pool)) < 0.5
    audited = np.sort(rng.permutation(pool)[: pool - 3])
    labels, test_labels = rng.integers(0, classes, pool), rng.integers(0, classes, 297)
    arrays: dict[str, np.ndarray] = {
        "membership": membership,
        "labels": labels,
        "predictions": _predict(rng, labels, np.where(membership[0], min(1.0, accuracy + 0.04), accuracy), classes),
        "test_labels": test_labels,
        "test_predictions": _predict(rng, test_labels, np.full(297, accuracy), classes),
        "audited": audited,
    }
    for sketch in sketches:
        effect = effects[sketch.name]
        arrays[f"scores/{sketch.name}"] = _scores(rng, membership[0][audited], effect, sketch.levels)
        arrays[f"phantom/{sketch.name}"] = _scores(rng, membership[0][audited], 0.0, sketch.levels)
        rehearsals = [_scores(rng, membership[2 + row][audited], effect, sketch.levels) for row in range(min(4, shadows))]
        arrays[f"rehearsal/{sketch.name}"] = np.stack(rehearsals)
    return arrays


def _scores(rng: np.random.Generator, member: Bools, effect: float, levels: int) -> Floats:
    raw = rng.normal(size=member.size) + effect * member
    return (raw > -1.0).astype(float) if levels else raw


def _predict(rng: np.random.Generator, labels: Ints, right: Floats, classes: int) -> Ints:
    wrong = (labels + rng.integers(1, max(classes, 2), labels.size)) % classes
    return np.where(rng.random(labels.size) < right, labels, wrong)


def _result(sketch: Sketch, arrays: Arrays, rng: np.random.Generator) -> AttackResult:
    audited, membership = arrays["audited"], arrays["membership"]
    member = membership[0][audited]
    scores, rehearsals = arrays[f"scores/{sketch.name}"], arrays[f"rehearsal/{sketch.name}"]
    rows = membership[2 : 2 + len(rehearsals)][:, audited]
    threshold = float(np.median(rehearsals))
    called = scores > threshold
    accuracy = float((called[member].mean() + (~called[~member]).mean()) / 2)
    phantom_auc = _auc(arrays[f"phantom/{sketch.name}"], member)
    return AttackResult(
        name=sketch.name,
        summary=sketch.summary,
        paper=sketch.paper,
        access=sketch.access,
        knowledge=sketch.knowledge,
        auc=_auc(scores, member),
        tpr_at_fpr=tuple(_rate(scores, member, fpr, rng) for fpr in FPRS),
        threshold=threshold,
        balanced_accuracy=_normal(accuracy, 0.5 / np.sqrt(member.size)),
        advantage=_normal(2 * accuracy - 1, 1 / np.sqrt(member.size)),
        rehearsal_auc=float(np.mean([auc_of(s, row) for s, row in zip(rehearsals, rows, strict=True)])),
        phantom_auc=phantom_auc,
        phantom_p=0.5,
        phantom_p_holm=1.0,
    )


def _auc(scores: Floats, member: Bools) -> Estimate:
    above, below = _placements(scores, member), _placements(-scores, ~member)
    spread = np.sqrt(above.var(ddof=1) / above.size + below.var(ddof=1) / below.size)
    return _normal(auc_of(scores, member), float(spread), method="DeLong")


def _placements(scores: Floats, member: Bools) -> Floats:
    """Return, for each member, the share of non-members that it scores above."""
    own: Floats = rankdata(scores)[member] - rankdata(scores[member])
    return own / int((~member).sum())


def _normal(value: float, spread: float, method: str = "normal") -> Estimate:
    reach = float(norm.ppf(0.975)) * spread
    return Estimate(value=value, low=max(value - reach, -1.0), high=min(value + reach, 1.0), method=method)


def _rate(scores: Floats, member: Bools, fpr: float, rng: np.random.Generator) -> RateAtFPR:
    inside, outside = scores[member], scores[~member]
    who = np.repeat([True, False], [inside.size, outside.size])
    draws = [tpr_of(np.concatenate([rng.choice(inside, inside.size), rng.choice(outside, outside.size)]), who, fpr) for _ in range(40)]
    low, high = (float(edge) for edge in np.quantile(draws, (0.025, 0.975)))
    expected = fpr * outside.size
    value = tpr_of(scores, member, fpr) if expected >= 10 else None
    tpr = Estimate(value=value, low=low if value is not None else 0.0, high=max(high, 1e-4), method="stratified bootstrap")
    return RateAtFPR(fpr=fpr, tpr=tpr, expected_false_positives=expected)


def _share(right: Bools) -> Estimate:
    hits, total = int(right.sum()), right.size
    low = float(beta.ppf(0.025, hits, total - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, total - hits)) if hits < total else 1.0
    return Estimate(value=hits / total, low=low, high=high, method="Clopper-Pearson")


def _utility(arrays: Arrays, *, spiking: bool) -> Utility:
    member = arrays["membership"][0]
    train = _share((arrays["predictions"] == arrays["labels"])[member])
    test = _share(arrays["test_predictions"] == arrays["test_labels"])
    assert train.value is not None
    assert test.value is not None
    gap = train.value - test.value
    return Utility(
        train_accuracy=train,
        test_accuracy=test,
        gap=Estimate(value=gap, low=gap - 0.03, high=gap + 0.03, method="Newcombe"),
        shadow_test_accuracy_mean=test.value - 0.004,
        shadow_test_accuracy_sd=0.008,
        firing_rates={"conv1": 0.0831, "conv2": 0.1273, "dense1": 0.0412} if spiking else {},
    )


def _counts(arrays: Arrays, shadows: int) -> Counts:
    member, audited = arrays["membership"][0], arrays["audited"]
    return Counts(
        pool=member.size,
        members=int(member.sum()),
        audited_members=int(member[audited].sum()),
        audited_nonmembers=int((~member[audited]).sum()),
        excluded=member.size - audited.size,
        population=100,
        test=arrays["test_labels"].size,
        shadows=shadows,
        rehearsals=min(4, shadows),
    )


def _controls(results: Sequence[AttackResult], *, failed: bool) -> tuple[Control, ...]:
    widest = max(results, key=lambda result: abs((result.phantom_auc.value or 0.5) - 0.5))
    return (
        Control(
            name="phantom target",
            passed=not failed,
            detail=f"farthest from one half: {widest.name}, AUC {widest.phantom_auc.value:.3f}, Holm p {widest.phantom_p_holm:.3f}",
        ),
        Control(name="dose response", passed=None, detail="not run: no canaries were planted"),
    )


def _power(arrays: Arrays) -> Power:
    member = arrays["membership"][0][arrays["audited"]]
    inside, outside = int(member.sum()), int((~member).sum())
    reach = float(norm.ppf(0.95) + norm.ppf(0.8)) * float(np.sqrt((inside + outside + 1) / (12 * inside * outside)))
    return Power(auc=0.5 + reach, tpr=0.031, at_fpr=0.1 if outside < 1000 else 0.01)


def _exposed(rng: np.random.Generator, arrays: Arrays, headline: str, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    audited, scores = arrays["audited"], arrays[f"scores/{headline}"]
    top = np.argsort(-scores, kind="stable")[:12]
    found: dict[str, np.ndarray] = {
        "positions": audited[top],
        "scores": scores[top],
        "member": arrays["membership"][0][audited[top]],
        "labels": arrays["labels"][audited[top]],
    }
    if len(shape) == 3:
        size = (top.size, *shape[1:], 3) if shape[0] == 3 else (top.size, *shape[1:])
        return {**found, "pictures": rng.integers(0, 256, size).astype(np.uint8)}
    return {**found, "rows": rng.normal(size=(top.size, *shape))}
