"""False alarms: who audits what how often, and the table of rates with its limit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
from scipy.stats import binom

from benchmarks import null_audits as audits
from benchmarks import null_networks as networks
from benchmarks.null_audits import Alarm, Chosen
from benchmarks.null_parts import Key, Rate, Result, counted, spread
from benchmarks.null_verdicts import Scored
from mia_audit.attacks import Attack
from mia_audit.attacks.cards import Card
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.record import AttackResult
from mia_audit.statistics.roc import auc, best_threshold

SHADOWS = (4, 8, 16, 64)
VERDICTS = 800
QUICK = ("thresholds", "rmia-online", "rmia-offline", "lira-online", "lira-offline")
"""What verdicts on noise logits are built of."""
NOISE_AUDITS = 2_000
LOGIT_AUDITS = 200
PHANTOM_AUDITS = 96
TURN_AUDITS = 300
BAND_AUDITS = 400
LEVEL = 0.05
FAST = (
    "thresholds", "attack-p", "attack-r", "difficulty-calibration", "rmia-online", "rmia-offline",
    "lira-online", "lira-offline", "lira-per-example", "lira-shrunken",
)  # fmt: skip
"""What noise logits are attacked with: what fits nothing for long. The phantom targets see every attack."""


def noise_scores(count: int) -> Result:
    """Return alarms of metrics on scores that are noise."""
    found = _alarms("noise scores", "-", partial(audits.score_alarms, tied=False), range(count), 10)
    tied = _alarms("noise scores", "-", partial(audits.score_alarms, tied=True), range(count), 11)
    return counted([*found, *tied])


def noise_turns(shadows: int, count: int) -> Result:
    """Return alarms of numbers about the kind on turns that are noise."""
    return counted(_alarms("noise scores", str(shadows), partial(audits.turn_alarms, models=shadows + 2), range(count), 20 + shadows))


def noise_logits(shadows: int, numbers: range) -> Result:
    """Return alarms of attacks on models that learnt nothing."""
    attacks, _ = audits.chosen(FAST, audits.noise_models(1 + shadows, np.random.default_rng(shadows)))

    def once(rng: np.random.Generator) -> Iterable[Alarm]:
        models = audits.noise_models(1 + audits.REHEARSALS + shadows, rng)
        turns = range(1 + audits.REHEARSALS)
        return audits.attack_alarms(models, turns, range(len(turns), len(models.rows)), attacks, rng, findings=False)

    return counted(_alarms("noise logits", str(shadows), once, numbers, 100 + shadows))


def verdicts(shadows: int, numbers: range) -> Result:
    """Return how often verdicts claim anything, of attacks that are quick on models that learnt nothing."""
    attacks, _ = audits.chosen(QUICK, audits.noise_models(1 + shadows, np.random.default_rng(shadows)))

    def once(rng: np.random.Generator) -> Iterable[Alarm]:
        models = audits.noise_models(2 + shadows, rng)
        everyone = [0, *range(2, 2 + shadows)]
        drawn = rng.random((1 + shadows, models.rows.shape[1])) < 0.5
        rated = [_scored(models, everyone[1:], card, attack) for card, attack in attacks]
        return audits.verdict_of(models, everyone, rated, drawn, rng)

    return counted(_alarms("noise logits", str(shadows), once, numbers, 300 + shadows))


def _scored(models: audits.Models, shadows: Sequence[int], card: Card, attack: Attack) -> Scored:
    """Return an attack on model 0, rehearsed on model 1; of its result what the verdict's own tests need."""
    judged = models.judged_by(shadows, attack)
    target, rehearsed = (attack.score(models.evidence(model, shadows, judged)) for model in (0, 1))
    row = models.rows[1][judged]
    result = AttackResult.model_construct(
        name=card.name, threshold=best_threshold(rehearsed, row), rehearsal_auc=auc(rehearsed, row)
    )  # all that the verdict's tests look at
    return Scored(attack=attack, result=result, scores=Scores(target=target, phantom=target, rehearsals=rehearsed[None]), judged=judged)


def phantoms(shadows: int, names: Sequence[str], numbers: range) -> Result:
    """Return alarms of attacks on trained networks that are scored against a redrawn row."""
    models = networks.probed()
    attacks: Chosen
    attacks, left_out = audits.chosen(names, models.only(range(1 + shadows)))

    def once(rng: np.random.Generator) -> Iterable[Alarm]:
        order = rng.permutation(len(models.rows))[: 1 + audits.REHEARSALS + shadows].tolist()
        turns = order[: 1 + audits.REHEARSALS]
        return audits.attack_alarms(models, turns, order[len(turns) :], attacks, rng, findings=True)

    return counted(_alarms("phantom target", str(shadows), once, numbers, 200 + shadows), tuple(f"{shadows}: {why}" for why in left_out))


def _alarms(
    kind: str, shadows: str, once: Callable[[np.random.Generator], Iterable[Alarm]], numbers: range, seed: int
) -> Iterator[tuple[Key, bool]]:
    for found in spread(lambda rng: list(once(rng)), numbers, seed):
        yield from ((((kind, shadows, attack, metric)), raised) for attack, metric, raised in found)


def table(rates: Sequence[Rate]) -> tuple[list[str], list[str]]:
    """Return the table's lines, and those of the rows above the limit."""
    lines, failed = [], []
    for rate in sorted(rates, key=_order):
        limit = float(binom.isf(0.001 / len(rates), rate.audits, LEVEL)) / rate.audits
        share = rate.alarms / rate.audits
        verdict = "yes" if share <= limit else "**NO**"
        line = f"| {' | '.join(rate.key)} | {rate.audits:,} | {share:.3f} | {limit:.3f} | {verdict} |"
        lines.append(line)
        failed += [line] if share > limit else []
    return lines, failed


def _order(rate: Rate) -> tuple[str, int, str, str]:
    kind, shadows, attack, metric = rate.key
    return kind, int(shadows) if shadows.isdigit() else 0, attack, metric


def means(rates: Sequence[Rate]) -> list[str]:
    """Return each metric's alarm rate over all attacks and shadow models, lines of a table: what single rows are too few to show."""
    kinds = sorted({(rate.key[0], rate.key[3]) for rate in rates})
    lines = []
    for kind, metric in kinds:
        own = [rate for rate in rates if (rate.key[0], rate.key[3]) == (kind, metric)]
        mean = sum(rate.alarms for rate in own) / sum(rate.audits for rate in own)
        worst = max(rate.alarms / rate.audits for rate in own)
        lines.append(f"| {kind} | {metric} | {len(own)} | {mean:.4f} | {worst:.3f} |")
    return lines
