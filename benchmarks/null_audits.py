"""Audits of nothing: what every attack, metric and bound says where there is nothing to find.

Three kinds. Noise scores: metrics alone, continuous and heavily tied scores. Noise logits: whole attacks on shadow models and a
target that learnt nothing. Phantom targets: whole attacks on trained networks, scored against a membership row that was redrawn
after training; each model of one population takes its turn, and since every redrawn row is independent of all else, so are
the audits' false alarms.

An alarm is a statement that something leaks, made at a nominal 5 %: a 95 % interval that leaves chance out, a p below 5 %.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.null_verdicts import Audited, Scored, verdict_alarms
from mia_audit.attacks import Attack
from mia_audit.attacks.budget import judged, listed
from mia_audit.attacks.cards import Card, load_attacks
from mia_audit.attacks.observables import each_model, phi
from mia_audit.audit.attacking import measuring
from mia_audit.audit.attacking.measuring import FPRS, Truth
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.audit.findings.turns import chance_p
from mia_audit.record import AttackResult, Estimate
from mia_audit.statistics import epsilon, onerun
from mia_audit.statistics.band import band
from mia_audit.statistics.joint import credible_low
from mia_audit.statistics.nulltest import holm
from mia_audit.statistics.slices import differ, slices
from mia_audit.statistics.tradeoff import Claim
from mia_audit.statistics.turns import Turns, mean_auc, pooled_tprs
from mia_audit.statistics.vulnerability import vulnerability
from mia_audit.types import Bools, Evidence, Floats, Ints, PopulationData, Signal

NOISE_EXAMPLES = 200
THIRD_EXAMPLES = 60
SCORE_EXAMPLES = 2_400
CLASSES = 3
REHEARSALS = 1

MOST_TURNS = 12
"""Models that take their turn in a verdict's kind."""

HEADLINE = "headline, chosen on rehearsals"

Alarm = tuple[str, str, bool]
"""Attack, metric, and whether it raised a false alarm."""

Chosen = list[tuple[Card, Attack]]


@dataclass(frozen=True, kw_only=True)
class Models:
    """Trained or made-up models: logits [models, queries, examples, classes], membership [models, examples], labels and inputs [examples].

    third    the same of examples that no model trained on, RMIA's Z
    signals  what else was observed of every model, by name, [models, examples, ...]
    guessed  answers [models, examples, queries, classes] of models on the same coins whose recipe was guessed wrong, by guess: an
             attacker's shadow models, while the target is a true one
    """

    logits: Floats
    rows: Bools
    labels: Ints
    features: Floats
    third: Floats
    third_labels: Ints
    third_features: Floats
    signals: Mapping[str, Floats] = field(default_factory=dict)
    guessed: Mapping[str, Floats] = field(default_factory=dict)

    def evidence(self, target: int, shadows: Sequence[int], examples: Bools) -> Evidence:
        """Return the evidence on one model against others."""
        others = list(shadows)
        third = PopulationData(
            target=self.third[target], shadows=self.third[others], labels=self.third_labels, features=self.third_features
        )
        whole = Evidence(
            target=self.logits[target],
            shadows=self.logits[others],
            trained_on=self.rows[others],
            labels=self.labels,
            population=third,
            features=self.features,
            signals=self._signals(target, others),
        )
        return whole.only(examples)

    def _signals(self, target: int, others: list[int]) -> dict[str, Signal]:
        seen = {name: Signal(target=each[target], shadows=each[others]) for name, each in self.signals.items()}
        true = np.moveaxis(self.logits[target], 0, 1)
        return seen | {name: Signal(target=true, shadows=each[others]) for name, each in self.guessed.items()}

    def only(self, models: Sequence[int]) -> "Models":
        """Return some of the models."""
        own = list(models)
        return replace(
            self,
            logits=self.logits[own],
            rows=self.rows[own],
            third=self.third[own],
            signals={name: each[own] for name, each in self.signals.items()},
            guessed={name: each[own] for name, each in self.guessed.items()},
        )

    def judged_by(self, shadows: Sequence[int], attack: Attack) -> Bools:
        """Return which examples an attack can judge with these shadow models."""
        return judged(self.rows[list(shadows)], attack.shadows_per_side)


def chosen(names: Iterable[str], models: Models) -> tuple[Chosen, tuple[str, ...]]:
    """Return the attacks that find here what they need, the first of these models their target; and what keeps each other one away."""
    runnable, reasons = [], []
    shadows = list(range(1, len(models.rows)))
    offers = models.evidence(0, shadows, np.ones(models.labels.size, dtype=np.bool_)).offers
    for card, attack in load_attacks(tuple(names)):
        lacking = attack.needs - offers
        if lacking:
            reasons.append(f"{card.name} needs {listed(lacking)}, which these models do not offer")
        elif len(shadows) < 2 * attack.shadows_per_side:
            reasons.append(f"{card.name} needs {attack.shadows_per_side} shadow models trained with and as many without each example")
        else:
            runnable.append((card, attack))
    return runnable, tuple(reasons)


def noise_models(count: int, rng: np.random.Generator) -> Models:
    """Return models that learnt nothing: easy and hard examples, and coins."""
    total = NOISE_EXAMPLES + THIRD_EXAMPLES
    labels = rng.integers(0, CLASSES, total)
    logits = rng.normal(size=(count, 1, total, CLASSES))
    logits[..., np.arange(total), labels] += rng.normal(1.0, 2.0, total)
    features = rng.normal(size=(total, 4))
    pool, third = slice(None, NOISE_EXAMPLES), slice(NOISE_EXAMPLES, None)
    return Models(
        logits=logits[:, :, pool],
        rows=rng.random((count, NOISE_EXAMPLES)) < 0.5,
        labels=labels[pool],
        features=features[pool],
        third=logits[:, :, third],
        third_labels=labels[third],
        third_features=features[third],
    )


def attack_alarms(  # noqa: PLR0913  what one audit needs
    models: Models, turns: Sequence[int], shadows: Sequence[int], attacks: Chosen, rng: np.random.Generator, *, findings: bool
) -> Iterator[Alarm]:
    """Audit the first of these turns as a phantom, rehearse on the others, and yield every alarm.

    Attacks differ in which examples they can judge, so each is measured on its own; the joint rows are over all of them.
    """
    redrawn: Bools = rng.random((models.rows.shape[1],)) < 0.5
    found: list[AttackResult] = []
    kept: dict[str, tuple[Scores, Truth, Ints]] = {}
    rated: list[Scored] = []
    sides: dict[int, tuple[Bools, list[Evidence]]] = {}
    for card, attack in attacks:
        if attack.shadows_per_side not in sides:
            judged_here = models.judged_by(shadows, attack)
            sides[attack.shadows_per_side] = judged_here, [models.evidence(turn, shadows, judged_here) for turn in turns]
        examples, seen = sides[attack.shadows_per_side]
        if not 0 < redrawn[examples].sum() < examples.sum():
            continue
        scored = [attack.score(each) for each in seen]
        rehearsed = models.rows[list(turns[1:])][:, examples]
        truth = Truth(target=redrawn[examples], rehearsals=rehearsed)
        scores = Scores(target=scored[0], phantom=scored[0], rehearsals=np.stack(scored[1:]))
        found += measuring.results([card], [scores], truth, int(rng.integers(2**31)))
        kept[card.name] = scores, truth, models.labels[examples]
        rated.append(Scored(result=found[-1], scores=scores, judged=examples, attack=attack))
    for result in found:
        yield from ((result.name, metric, alarm) for metric, alarm in result_alarms(result))
    yield from joint_alarms(found)
    if findings:
        yield from ((HEADLINE, metric, alarm) for metric, alarm in finding_alarms(*kept[measuring.headline(found)]))
    drawn = np.concatenate([redrawn[None], rng.random((len(shadows), redrawn.size)) < 0.5])
    signal = each_model(phi, models.logits[[turns[0], *shadows]], models.labels)
    q = vulnerability(signal, drawn).q
    yield "each example, IN against OUT", "any q at most 5 %", bool((q <= 0.05).any())
    if findings:
        yield from verdict_of(models, [turns[0], *shadows], rated, drawn, rng)


def verdict_of(models: Models, everyone: Sequence[int], rated: Sequence[Scored], drawn: Bools, rng: np.random.Generator) -> Iterator[Alarm]:
    """Yield what the verdict of one audit claims: everyone are the target and its shadow models, drawn [models, N] their redrawn rows."""
    signal = each_model(phi, models.logits[list(everyone)], models.labels)
    best = max(rated, key=lambda one: one.result.rehearsal_auc)
    audited = Audited(
        scored=rated,
        headline=best.result.name,
        member=drawn[0],
        labels=models.labels,
        least_q=float(vulnerability(signal, drawn).q.min()),
        kind_p=_kind_p(models, everyone, drawn, best.attack, rng),
    )
    yield from verdict_alarms(audited, int(rng.integers(2**31)))


def _kind_p(models: Models, everyone: Sequence[int], drawn: Bools, attack: Attack, rng: np.random.Generator) -> float:
    """Return the p of the kind: of these models so many take their turn, the others as their shadow models, against a redrawn row."""
    count = min(len(everyone), MOST_TURNS)
    scores, judged_here = np.zeros(drawn.shape), np.zeros(drawn.shape, dtype=np.bool_)
    for turn in range(count):
        rest = [model for model in everyone if model != everyone[turn]]
        judged_here[turn] = models.judged_by(rest, attack)
        scores[turn, judged_here[turn]] = attack.score(models.evidence(everyone[turn], rest, judged_here[turn]))
    turns = Turns(scores=scores[:count], member=drawn[:count], judged=judged_here[:count])
    return chance_p(mean_auc(turns), pooled_tprs(turns, FPRS, rng, draws=60), FPRS)


def joint_alarms(found: Sequence[AttackResult]) -> Iterator[Alarm]:
    """Yield what is said over all attacks of one audit."""
    corrected = holm([result.phantom_p for result in found])
    yield "all attacks jointly", "phantom control (Holm)", min(corrected) < 0.05
    best = next(result for result in found if result.name == measuring.headline(found))
    yield HEADLINE, "AUC", excludes(best.auc, 0.5)


def result_alarms(result: AttackResult) -> Iterator[tuple[str, bool]]:
    """Yield the alarms of one attack's numbers."""
    yield "AUC", excludes(result.auc, 0.5)
    yield "phantom p", result.phantom_p < 0.05
    for rate in result.tpr_at_fpr:
        if rate.tpr.value is not None:  # else the record gives an upper limit alone, which accuses nobody
            yield f"TPR at {100 * rate.fpr:g} % FPR", rate.tpr.low > rate.fpr + 1e-12  # coarse scores stay below it and leak nothing
    yield "balanced accuracy", excludes(result.balanced_accuracy, 0.5)
    yield "advantage", excludes(result.advantage, 0.0)


def score_alarms(rng: np.random.Generator, *, tied: bool) -> Iterator[Alarm]:
    """Yield the alarms of metrics on noise scores: continuous, or tied like spike counts."""
    card, _ = load_attacks(("loss",))[0]
    rows = rng.random((1 + REHEARSALS, SCORE_EXAMPLES)) < 0.5
    scores = rng.poisson(3.0, rows.shape).astype(np.float64) if tied else rng.normal(size=rows.shape)
    truth = Truth(target=rows[0], rehearsals=rows[1:])
    (result,) = measuring.results(
        [card], [Scores(target=scores[0], phantom=scores[0], rehearsals=scores[1:])], truth, int(rng.integers(2**31))
    )
    name = "tied noise scores" if tied else "noise scores"
    yield from ((name, metric, alarm) for metric, alarm in result_alarms(result))
    groups = rng.integers(0, 10, SCORE_EXAMPLES)
    noise = Scores(target=scores[0], phantom=scores[0], rehearsals=scores[1:])
    yield from ((name, metric, alarm) for metric, alarm in finding_alarms(noise, truth, groups))


def finding_alarms(scores: Scores, truth: Truth, groups: Ints) -> Iterator[tuple[str, bool]]:
    """Yield the alarms of what a record says of its headline attack beyond the table."""
    member = truth.target
    sizes = int(member.sum()), int((~member).sum())
    counts = epsilon.choose(scores.rehearsals, truth.rehearsals, 0.0, sizes).counts(scores.target, member)
    yield "epsilon, Clopper-Pearson", epsilon.exact(*counts, 0.0) > 0
    yield "epsilon, best of 20 thresholds (Bonferroni)", _best_of(scores.target, member) > 0
    yield "epsilon, joint Bayesian", credible_low(*counts, 0.0, epsilon.LEVEL) > 0
    yield "epsilon, Gaussian (mu)", epsilon.gaussian_mu(*counts) > 0
    for name in epsilon.RATIOS:
        yield f"epsilon, {name}", (epsilon.ratio(name, *counts) or 0.0) > 0
    yield "epsilon, one run", onerun.bound(onerun.guess(scores.target, member, 0.2, 0.2), 0.0) > 0
    yield "a claim of epsilon = 0 refuted", Claim(epsilon=0.0).p_value(*counts) < 0.05
    parts = slices(scores.target, member, groups, {int(group): str(group) for group in np.unique(groups)})
    yield "slices by class: any p (Holm)", min(part.p_holm for part in parts) < 0.05
    yield "slices by class: they differ", differ(scores.target, member, groups) < 0.05
    yield "ROC band leaves chance out", _leaves_chance_out(scores.target, member)


def _best_of(scores: Floats, member: Bools) -> float:
    thresholds = np.quantile(scores, np.linspace(0.05, 0.95, 10))
    decisions = [epsilon.Decision(threshold=float(at), turned=turned) for at in thresholds for turned in (False, True)]
    return epsilon.best_exact([decision.counts(scores, member) for decision in decisions], 0.0)


def _leaves_chance_out(scores: Floats, member: Bools) -> bool:
    grid = np.linspace(0.005, 1, 200)
    return bool((band(scores, member, grid, np.random.default_rng(0)).low > grid + 1e-12).any())


def turn_alarms(rng: np.random.Generator, *, models: int) -> Iterator[Alarm]:
    """Yield the alarms of numbers about the kind: noise scores of every turn, with examples that score high in all of them."""
    member = rng.random((models, NOISE_EXAMPLES)) < 0.5
    scores = rng.normal(size=member.shape) + rng.normal(size=NOISE_EXAMPLES)
    turns = Turns(scores=scores, member=member, judged=np.ones_like(member))
    mean, rates = mean_auc(turns), pooled_tprs(turns, FPRS, rng, draws=100)
    interval = mean.interval()
    yield "every model's turn", "mean AUC", not interval.low <= 0.5 <= interval.high
    yield "every model's turn", "pooled TPR at 10 % FPR", rates[0].interval().low > FPRS[0]
    yield "every model's turn", "p of the kind", chance_p(mean, rates, FPRS) <= 0.05


def excludes(estimate: Estimate, chance: float) -> bool:
    """Say whether an interval leaves chance out; rounding does not decide."""
    return not estimate.low - 1e-12 <= chance <= estimate.high + 1e-12
