"""Break the attacks and the statistics on purpose; every mutant must fail a test.

Run: python benchmarks/mutants.py [word]      (only mutants whose file or text holds the word)
Each mutant is one replacement in a copy of the package; the tests of its folder run against that copy. It prints one line a
mutant and leaves with 1 if one survived.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

QUICK = """
from hypothesis import Phase, settings
settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None, deadline=None, derandomize=True)
settings.load_profile("mutants")
"""
"""A pytest plugin: a failure is enough, the smallest failing case takes minutes to find."""


@dataclass(frozen=True)
class Mutant:
    """One replacement in one file of mia_audit; `old` stands there exactly once."""

    file: str
    old: str
    new: str

    @property
    def tests(self) -> list[str]:
        """The tests that must notice, those of the file itself first."""
        folder, _, file = self.file.partition("/")
        found = [str(path.relative_to(ROOT)) for path in ROOT.glob(f"tests/test_{folder}_*.py")]
        return sorted(found, key=lambda name: (file not in name, name))


MUTANTS = (
    # ROC: ties, ends, direction
    Mutant("statistics/roc.py", "np.unique(scores)[::-1]", "np.sort(scores)[::-1]"),
    Mutant("statistics/roc.py", "np.unique(scores)[::-1]", "np.unique(scores)"),
    Mutant("statistics/roc.py", "fpr=np.concatenate([[0.0], ", "fpr=np.concatenate([[], "),
    Mutant("statistics/roc.py", "members.size * (members.size + 1) / 2", "members.size * (members.size - 1) / 2"),
    Mutant("statistics/roc.py", "rankdata(np.concatenate([members, others]))", "rankdata(np.concatenate([members, others]), 'min')"),
    Mutant("statistics/roc.py", "rankdata(np.concatenate([members, others]))", "rankdata(-np.concatenate([members, others]))"),
    Mutant("statistics/roc.py", "np.mean(members > threshold)", "np.mean(members >= threshold)"),
    Mutant("statistics/roc.py", "others.size - 1 - allowed)[others.size - 1 - allowed]", "others.size - allowed)[others.size - allowed]"),
    Mutant("statistics/roc.py", "if allowed >= others.size:", "if allowed > others.size:"),
    Mutant("statistics/roc.py", "(1 + 1e-12) + 1e-12", ""),
    Mutant("statistics/roc.py", "np.floor(", "np.ceil("),
    Mutant("statistics/roc.py", "curve.tpr - curve.fpr", "curve.fpr - curve.tpr"),
    Mutant("statistics/roc.py", "if middle < upper else lower", "if middle <= upper else lower"),
    Mutant("statistics/roc.py", "curve.thresholds[best : best + 2]", "curve.thresholds[best - 1 : best + 1]"),
    Mutant(
        "statistics/roc.py",
        'np.searchsorted(np.sort(scores), values, side="left")',
        'np.searchsorted(np.sort(scores), values, side="right")',
    ),
    Mutant("statistics/roc.py", "values[member], values[~member]", "values[~member], values[member]"),
    Mutant("statistics/roc.py", "if not np.isfinite(scores).all():", "if np.isnan(scores).any():"),
    Mutant("statistics/roc.py", "if member.all() or not member.any():", "if member.all():"),
    # AUC interval
    Mutant("statistics/delong.py", "/ others.size\n", "/ members.size\n"),
    Mutant("statistics/delong.py", "above.var(ddof=1)", "above.var()"),
    Mutant("statistics/delong.py", "below.var(ddof=1) / below.size", "below.var(ddof=1) / above.size"),
    Mutant("statistics/delong.py", " / (area * (1 - area))", ""),
    Mutant("statistics/delong.py", "if min(above.size, below.size) < 2:", "if False:"),
    Mutant("statistics/delong.py", "area - _NEAR", "area"),
    Mutant("statistics/delong.py", "mean * theta / (1 + theta)", "mean * theta / (2 - theta)"),
    Mutant("statistics/delong.py", "norm.ppf((1 + level) / 2)", "norm.ppf(level)"),
    # TPR at FPR
    Mutant("statistics/rates.py", "rng.beta(allowed + 1, others.size - allowed, size=draws)", "np.full(draws, allowed / others.size)"),
    Mutant(
        "statistics/rates.py", "rng.beta(allowed + 1, others.size - allowed, size=draws)", "rng.beta(allowed + 1, others.size, size=draws)"
    ),
    Mutant("statistics/rates.py", "np.sort(others)[others.size - rank]", "np.sort(others)[rank - 1]"),
    Mutant("statistics/rates.py", "counts_above(members, np.sort", "counts_above(others, np.sort"),
    Mutant("statistics/rates.py", "rng.binomial(members.size, above / members.size)", "above"),
    Mutant("statistics/rates.py", "min(float(low), known.low), max(float(high), known.high)", "float(low), float(high)"),
    Mutant("statistics/rates.py", "FEWEST_FALSE_POSITIVES - 1e-9", "FEWEST_FALSE_POSITIVES / 10"),
    Mutant("statistics/rates.py", "FEWEST_FALSE_POSITIVES - 1e-9", "FEWEST_FALSE_POSITIVES"),
    Mutant("statistics/rates.py", "_ends(scores, member, limit, rng)[1] if limit < 1 else 1.0", "_ends(scores, member, fpr, rng)[1]"),
    Mutant("statistics/rates.py", "int((~member).sum())", "int(member.sum())"),
    Mutant("statistics/rates.py", "value=None, low=0.0", "value=0.0, low=0.0"),
    # proportions, null test, power
    Mutant("statistics/proportions.py", "share.hits, share.total - share.hits + 1)", "share.hits + 1, share.total - share.hits)"),
    Mutant("statistics/proportions.py", "math.hypot(p_1 - low_1, high_2 - p_2)", "math.hypot(p_1 - low_1, p_2 - low_2)"),
    Mutant(
        "statistics/proportions.py",
        "(1 + true_positives.value - false_positives.value) / 2",
        "(true_positives.value + false_positives.value) / 2",
    ),
    Mutant("statistics/proportions.py", "np.sum(members > threshold)", "np.sum(members >= threshold)"),
    Mutant("statistics/proportions.py", "np.sum(others > threshold)", "np.sum(others < threshold)"),
    Mutant("statistics/proportions.py", "(p + z**2 / (2 * n))", "p"),
    Mutant("statistics/nulltest.py", "(total + 1 - tied)", "(total + 1)"),
    Mutant("statistics/nulltest.py", "2 * float(norm.sf(", "float(norm.sf("),
    Mutant("statistics/nulltest.py", "- m * n / 2) - 0.5", "- m * n / 2)"),
    Mutant("statistics/nulltest.py", "np.arange(p.size, 0, -1)", "p.size"),
    Mutant("statistics/nulltest.py", "np.maximum.accumulate(", "np.asarray("),
    Mutant("statistics/nulltest.py", "adjusted[order] = ", "adjusted[:] = "),
    Mutant("statistics/power.py", "(12 * members * nonmembers)", "(6 * members * nonmembers)"),
    Mutant("statistics/power.py", "(_REJECT + _POWER) * spread", "_REJECT * spread"),
    Mutant("statistics/power.py", "(1 / members + 1 / nonmembers)", "(1 / members)"),
    # turns: weights, ties, what is resampled
    Mutant("statistics/turns.py", 'rankdata(scores, "min", axis=1)', 'rankdata(scores, "max", axis=1)'),
    Mutant("statistics/turns.py", "(members * beaten).sum(axis=1) / 2 / total", "(members * beaten).sum(axis=1) / total"),
    Mutant("statistics/turns.py", "np.where(turns.judged, turns.scores, -np.inf)", "turns.scores"),
    Mutant("statistics/turns.py", "turns.member & turns.judged, order, 1", "turns.member, order, 1"),
    Mutant("statistics/turns.py", "falling[1:] != falling[:-1]", "falling[1:] == falling[1:]"),
    Mutant("statistics/turns.py", "by_model[self.model[pairs]] * by_example", "by_example"),
    Mutant("statistics/turns.py", 'limits, side="right"', 'limits, side="left"'),
    Mutant(
        "statistics/turns.py", "by_model, by_example = _weights(models, rng), _weights", "by_model, by_example = np.ones(models), _weights"
    ),
    # vulnerability: exactness, ties, direction
    Mutant("statistics/vulnerability.py", "np.lexsort((~trained_on, signal), axis=0)", "np.lexsort((trained_on, signal), axis=0)"),
    Mutant("statistics/vulnerability.py", "np.cumsum(ways).clip(0.0, 1.0)[::-1]", "np.cumsum(ways).clip(0.0, 1.0)"),
    Mutant("statistics/vulnerability.py", "np.cumsum(ways).clip(0.0, 1.0)[::-1]", "np.cumsum(ways[::-1])[::-1]"),
    Mutant("statistics/vulnerability.py", "ways[outside + k :] -= ", "ways[outside + k :] += "),
    Mutant("statistics/vulnerability.py", "(inside > 0) & (inside < models)", "(inside > 0)"),
    Mutant("statistics/vulnerability.py", "benjamini_hochberg(p[resolved])", "p[resolved]"),
    Mutant("statistics/vulnerability.py", "np.minimum.accumulate(steps[::-1])[::-1]", "steps"),
    Mutant("statistics/vulnerability.py", "inside * (inside + 1) / 2", "inside * (inside - 1) / 2"),
    # epsilon: sides, errors, deltas
    Mutant(
        "statistics/epsilon.py",
        "lower(right, level / 2), upper(wrong, level / 2)\n    return max(0.0, math.log",
        "lower(right, level), upper(wrong, level)\n    return max(0.0, math.log",
    ),
    Mutant("statistics/epsilon.py", "(low - delta) / high)) if", "low / high)) if"),
    Mutant("statistics/epsilon.py", "level / len(counts)", "level"),
    Mutant("statistics/epsilon.py", "(_rest(wrongly), _rest(above)) if self.turned", "(_rest(above), _rest(wrongly)) if self.turned"),
    Mutant("statistics/epsilon.py", "norm.ppf(low) - norm.ppf(high)", "norm.ppf(low) + norm.ppf(high)"),
    Mutant("statistics/epsilon.py", "2 * math.asinh(z / 2", "2 * math.asinh(z"),
    Mutant("statistics/epsilon.py", "(1 - z**2 * q_0 / (9 * wrong.hits))", "1"),
    Mutant("statistics/epsilon.py", "turned if way else plain", "plain if way else turned"),
    Mutant("statistics/epsilon.py", "< FEWEST:", "< 0:"),
    Mutant("statistics/joint.py", "1 - delta - grown * fpr, (1 - delta - fpr) / grown", "1 - delta - grown * fpr, 0.0"),
    Mutant("statistics/joint.py", "right.total - right.hits + 0.5, right.hits + 0.5", "right.hits + 0.5, right.total - right.hits + 0.5"),
    Mutant("statistics/joint.py", "wrong.hits + 0.5, wrong", "wrong.hits + 5, wrong"),
    Mutant("statistics/onerun.py", "betainc(right, made - right + 1", "betainc(right + 1, made - right"),
    Mutant("statistics/onerun.py", "2 * self.guesses.examples * delta", "self.guesses.examples * delta"),
    Mutant("statistics/onerun.py", "np.exp(logs)) / steps", "np.exp(logs))"),
    Mutant("statistics/onerun.py", "(~member[order[:first]])", "(member[order[:first]])"),
    Mutant("statistics/tradeoff.py", "lines = (grown * fpr + self.delta, ", "lines = (grown * fpr, "),
    Mutant("statistics/tradeoff.py", "norm.cdf(self.mu / math.sqrt(2))", "norm.cdf(self.mu / 2)"),
    Mutant("statistics/tradeoff.py", "2 * norm.cdf(self.mu / 2) - 1", "2 * norm.cdf(self.mu) - 1"),
    Mutant("statistics/tradeoff.py", "lower(right, level / 2), upper(wrong, level / 2))", "lower(right, level), upper(wrong, level))"),
    Mutant("statistics/tradeoff.py", "-epsilon / mu - mu / 2) + epsilon", "-epsilon / mu - mu / 2)"),
    # bands, slices, calibration
    Mutant(
        "statistics/band.py",
        "_first_within(fpr_high, fpr), _first_within(fpr_low, fpr)",
        "_first_within(fpr_low, fpr), _first_within(fpr_low, fpr)",
    ),
    Mutant(
        "statistics/band.py",
        "_first_within(fpr_high, fpr), _first_within(fpr_low, fpr)",
        "_first_within(fpr_high, fpr), _first_within(fpr_high, fpr)",
    ),
    Mutant("statistics/band.py", "tail = tail_of(values.size)", "tail = 0.0125"),
    Mutant("statistics/band.py", "np.interp(np.log(size), np.log(SIZES), np.log(TAILS))", "np.log(TAILS[-1])"),
    Mutant("statistics/slices.py", "1 - (1 - LEVEL) / max(1, len(known))", "LEVEL"),
    Mutant("statistics/slices.py", "min(member[here].sum(), (~member[here]).sum())", "max(member[here].sum(), (~member[here]).sum())"),
    Mutant("statistics/slices.py", "chi2.sf(spread, len(found) - 1)", "chi2.sf(spread, len(found) + 9)"),
    Mutant("statistics/calibration.py", "(hits + 1) / (totals + 2)", "hits / totals"),
    Mutant("statistics/calibration.py", 'side="right") - 1\n', 'side="left") - 1\n'),
    Mutant("statistics/calibration.py", "(as_high + 1) / (nonmembers.size + 1)", "as_high / nonmembers.size"),
    Mutant(
        "statistics/calibration.py",
        "benjamini_hochberg(conformal_p(scores, nonmembers)) <= rate",
        "conformal_p(scores, nonmembers) <= rate",
    ),
    # frontiers, the blind classifier, one more of those
    Mutant("statistics/frontier.py", "(low + high) / 2 if low <= high", "high if low <= high"),
    Mutant("statistics/frontier.py", "differences.std(ddof=1) / np.sqrt(differences.size)", "differences.std(ddof=1)"),
    Mutant("statistics/frontier.py", "np.mean(np.abs(signs @ differences)", "np.mean((signs @ differences)"),
    Mutant("statistics/frontier.py", "weights=self.leak) / np.bincount(where)", "weights=self.leak)"),
    # observables
    Mutant("attacks/observables.py", "- np.log(total)", "+ np.log(total)"),
    Mutant("attacks/observables.py", "-np.inf, axis=0)", "0.0, axis=0)"),
    Mutant(
        "attacks/observables.py", "return -np.logaddexp(0.0, -phi(logits, chosen))", "return np.log(1 / (1 + np.exp(-phi(logits, chosen))))"
    ),
    Mutant("attacks/observables.py", "np.argmax(logits, axis=-1))\n\n\ndef log_prob", "np.argmin(logits, axis=-1))\n\n\ndef log_prob"),
    Mutant("attacks/observables.py", "-np.logaddexp(0.0, phi(logits, top))", "np.log1p(-np.exp(log_likelihood(logits, top)))"),
    Mutant(
        "attacks/observables.py",
        "np.exp(complements) * logp, np.exp(logp) * complements",
        "np.exp(logp) * logp, np.exp(logp) * complements",
    ),
    Mutant("attacks/observables.py", "(np.exp(logp) * logp)", "logp"),
    Mutant("attacks/observables.py", ".clip(-LARGEST, LARGEST)", ""),
    Mutant("attacks/observables.py", "observe(shadows[model], labels).mean(axis=0)", "observe(shadows[model], labels)[0]"),
    # thresholds: a sign turned, a query dropped
    Mutant(
        "attacks/thresholds.py", "-observables.log_over_queries(observables.log_loss(", "observables.log_over_queries(observables.log_loss("
    ),
    Mutant(
        "attacks/thresholds.py", "-observables.log_over_queries(observables.log_conf", "observables.log_over_queries(observables.log_conf"
    ),
    Mutant(
        "attacks/thresholds.py",
        "-observables.log_over_queries(observables.log_entropy",
        "observables.log_over_queries(observables.log_entropy",
    ),
    Mutant(
        "attacks/thresholds.py",
        "-observables.log_over_queries(observables.log_modified",
        "observables.log_over_queries(observables.log_modified",
    ),
    Mutant("attacks/thresholds.py", "return _over_queries(observables.margin", "return -_over_queries(observables.margin"),
    Mutant("attacks/thresholds.py", "return _over_queries(observables.correct", "return -_over_queries(observables.correct"),
    Mutant("attacks/thresholds.py", "values.mean(axis=0)", "values[0]"),
    # LiRA: sides, signs, scales, masks (the six of style.md among them)
    Mutant("attacks/lira.py", "self._log_density(target, inside) - self", "self._log_density(target, outside) - self"),
    Mutant("attacks/lira.py", "- self._log_density(target, outside)", "- 0 * self._log_density(target, outside)"),
    Mutant("attacks/lira.py", ") ** 2 - np.log(sigma)", ") ** 2 + np.log(sigma)"),
    Mutant("attacks/lira.py", "-0.5 * (", "-1.0 * ("),
    Mutant("attacks/lira.py", "max(self.sigma_floor * pooled, SMALLEST_SIGMA)", "0.0"),
    Mutant("attacks/lira.py", "max(self.sigma_floor * pooled, SMALLEST_SIGMA)", "SMALLEST_SIGMA"),
    Mutant("attacks/lira.py", "if self.pool_variance else", "if not self.pool_variance else"),
    Mutant("attacks/lira.py", "pool_variance=False, sigma_floor", "pool_variance=True, sigma_floor"),
    Mutant("attacks/gaussians.py", "values - mean[here], 0.0)", "values, 0.0)"),
    Mutant("attacks/gaussians.py", "np.where(there, values - mean[here], 0.0)", "values - mean[here]"),
    Mutant("attacks/gaussians.py", "np.sqrt(self.squares / (self.count - 1).clip(1))", "np.sqrt(self.squares / self.count)"),
    Mutant("attacks/gaussians.py", "(self.count - 1).clip(0).sum()", "self.count.sum()"),
    Mutant("attacks/gaussians.py", "inner, len(shadow) - inner", "len(shadow) - inner, inner"),
    Mutant("attacks/gaussians.py", "powers - count[:, here] * shifts**2", "powers"),
    Mutant("attacks/gaussians.py", "mean[:, here] = centre + shifts", "mean[:, here] = shifts"),
    Mutant("attacks/gaussians.py", "if not np.isfinite(powers).all():", "if False:"),
    Mutant("attacks/gaussians.py", "values = np.where(side[:, here], logs[:, here], -np.inf)", "values = logs[:, here]"),
    Mutant("attacks/gaussians.py", "top = values.max(axis=0)", "top = 0 * values.max(axis=0)"),
    Mutant("attacks/gaussians.py", "np.where(there, values - mu, 0.0)", "values - mu"),
    Mutant("attacks/gaussians.py", "total / (side.sum(axis=0) - 1).sum()", "total / side.sum()"),
    Mutant("attacks/gaussians.py", "(inside - outside).mean(axis=1)", "(outside - inside).mean(axis=1) * 0 + 1"),
    Mutant("attacks/gaussians.py", "-0.5 * (z**2).sum(axis=0) - np.log", "-0.5 * (z**2).sum(axis=0) + np.log"),
    # the offline and other forms
    Mutant("attacks/lira_offline.py", "~seen.trained_on)", "seen.trained_on)"),
    Mutant("attacks/lira_offline.py", "(target - without.mean)", "(without.mean - target)"),
    Mutant("attacks/lira_shrunken.py", "(1 + 1 / there.count)", "1.0"),
    Mutant("attacks/lira_shrunken.py", ", degrees + own) - np.log(scale)", ", degrees + own)"),
    Mutant("attacks/lira_shrunken.py", "(degrees * variance + there.squares) / (degrees + own)", "variance"),
    Mutant("attacks/lira_shrunken.py", "2 * _inverse_trigamma(surplus)", "_inverse_trigamma(surplus)"),
    Mutant("attacks/rmia.py", "of_x - _bar(", "of_x + _bar("),
    Mutant("attacks/rmia.py", "bar = np.log(gamma) + unspread", "bar = -np.log(gamma) + unspread"),
    Mutant(
        "attacks/rmia.py",
        "log_mean(each_model(log_likelihood, seen.shadows, seen.labels), ~seen.trained_on)",
        "log_mean(each_model(log_likelihood, seen.shadows, seen.labels), seen.trained_on | True)",
    ),
    Mutant("attacks/rmia.py", "np.log1p(-self.a) if", "np.log1p(self.a) if"),
    Mutant("attacks/rmia.py", "np.log1p(self.a), np.log1p(-self.a)", "0.0, np.log1p(-self.a)"),
    Mutant("attacks/rmia.py", "np.ceil(beta * of_z.size - 1e-9)", "np.floor(beta * of_z.size - 1e-9)"),
    Mutant("attacks/references.py", "+ 0.5 * ((shadow == target)", "+ 0.0 * ((shadow == target)"),
    Mutant("attacks/references.py", "((shadow < target) & ~seen.trained_on)", "(shadow < target)"),
    Mutant("attacks/references.py", "0.25 * squashed(target - without.mean)", "0.0 * squashed(target - without.mean)"),
    Mutant("attacks/population.py", "0.125 * squashed(target)", "1.5 * squashed(target)"),
    Mutant("attacks/quantile.py", "order[outside.size // 2 :]", "order[: max(1, outside.size // 2)]"),
    Mutant("attacks/quantile.py", "(scores.size + 1) - 1e-9", "scores.size / 2 - 1e-9"),
    Mutant("attacks/class_thresholds.py", "bars[label] = best_cut", "bars[0] = best_cut"),
    Mutant("attacks/merlin.py", 'np.searchsorted(sure, values[0], side="left")', 'np.searchsorted(sure, values[0], side="right") - 1'),
    Mutant("attacks/dropout.py", "int(np.argmax(totals))", "int(np.argmin(totals))"),
    Mutant("attacks/steps.py", "(ranks + 0.5) / (known.size + 1)", "(ranks + 0.25) / (known.size + 1)"),
    Mutant("attacks/firing.py", ".sum(axis=-1))[None]", ".max(axis=-1))[None]"),
    Mutant("attacks/gradients.py", "return -within_reach(", "return within_reach("),
    Mutant("attacks/ensemble.py", "signals(seen.against_shadow(index)) for", "signals(seen) for"),
    Mutant("attacks/ensemble.py", "signals(seen.against_shadow(index), every)", "signals(seen, every)"),
    Mutant("attacks/ensemble.py", "if attack.needs <= seen.offers", "if attack.needs > seen.offers"),
    # the inverse Hessian, and several releases
    Mutant("attacks/inverse_hessian.py", "- np.exp(second - largest)", "+ np.exp(second - largest)"),
    Mutant("attacks/inverse_hessian.py", "odds = np.exp(first - largest)", "odds = -np.exp(first - largest)"),
    Mutant("attacks/inverse_hessian.py", "- np.sign(sign) * np.exp(third", "+ np.sign(sign) * np.exp(third"),
    Mutant("attacks/inverse_hessian.py", "np.logaddexp(0.0, third - second)", "(third - second)"),
    Mutant("attacks/inverse_hessian.py", "np.stack([first, second, ", "np.stack([first, first, "),
    Mutant("attacks/releases.py", "np.concatenate([first, shadow], axis=1)", "np.concatenate([first, first], axis=1)"),
    Mutant("attacks/releases.py", "every[0][1:] - every[0][:1]", "every[0][1:]"),
    Mutant("attacks/releases.py", "seen.trained_on, self.ridge)", "~seen.trained_on, self.ridge)"),
    Mutant("probes/curvature.py", "-p.unsqueeze(-1) * p.unsqueeze(-2)", "0 * p.unsqueeze(-1) * p.unsqueeze(-2)"),
    Mutant("probes/curvature.py", "- squares * missing.exp()", ""),
    Mutant("probes/curvature.py", "1 / (members * rate), 2 / rate", "1 / (members * rate), 1 / rate"),
    Mutant("probes/curvature.py", "recipe.data.member_fraction * examples", "1.0 * examples"),
    Mutant("probes/curvature.py", "F.pad(chunk.rows.double(), (0, 1), value=1.0)", "F.pad(chunk.rows.double(), (0, 1), value=0.0)"),
    Mutant("probes/curvature.py", "(p * rest)", "p"),
    Mutant("probes/curvature.py", "+ missing - 2 * unit.log()", "+ missing - unit.log()"),
    Mutant("probes/losses.py", "-F.softplus(phis)", "F.softplus(phis)"),
    Mutant("probes/losses.py", "torch.where(own, -1.0, shares)", "torch.where(own, 1.0, shares)"),
    Mutant("probes/gradients.py", "_last_layer(by_output, chunk.rows)]) + factor", "_last_layer(by_output, chunk.rows)]) - factor"),
    Mutant("probes/disturbed.py", "phi(answers, labels) < phi(before, labels)", "phi(answers, labels) > phi(before, labels)"),
    Mutant("attacks/lira_shared_gap.py", "1 + 1 / self.models", "1"),
    Mutant("attacks/lira_shared_gap.py", "target - self.level - self.gap, self.inside", "target - self.level - self.gap, self.outside"),
    Mutant("attacks/lira_shared_gap.py", "models / (models - 1)", "1.0"),
    Mutant("attacks/lira_shared_gap.py", "worth * centre + relative.squares", "worth + relative.squares"),
    Mutant("attacks/lira_shared_gap.py", "inside * (models - inside) / models", "1.0 * (inside > 0) * (inside < models)"),
    Mutant("attacks/lira_shared_gap.py", "np.abs(near[:, None] - near) / 2", "np.abs(near[:, None] - near)"),
    Mutant("attacks/stacked_logistic.py", "shadow[models != k], seen", "shadow, seen"),
    Mutant("attacks/stacked_logistic.py", "(len(shadow) / _FREELY) ** 2", "(len(shadow) / _FREELY)"),
    Mutant("attacks/stacked_logistic.py", "known.level + known.gap)", "known.level)"),
    Mutant("attacks/stacked_logistic.py", "-np.exp(log_loss)", "np.exp(log_loss)"),
    Mutant("attacks/nearly_one.py", "size = size - there", "size = size + 0 * there"),
    Mutant("attacks/nearly_one.py", "SMALL / (1 + np.maximum(below, 0.0))", "SMALL * np.exp(-np.maximum(below, 0.0))"),
    Mutant("attacks/nearly_one.py", "np.where(size < _LINEAR, size, inner)", "inner"),
    Mutant("attacks/observables.py", "np.where(of_class, each, -each)", "np.where(of_class, -each, each)"),
    Mutant("attacks/observables.py", "np.where(phis > _CERTAIN, -phis, softened)", "softened"),
    Mutant("probes/releasing.py", "subject.population.state_dict()", "build(recipe, indices, pool).state_dict()"),
    Mutant("probes/releasing.py", "build(released(recipe, 32), indices, pool)", "build(recipe, indices, pool)"),
    Mutant("statistics/slices.py", "holm(list(p.values()))", "list(p.values())"),
    # shadow classifiers
    Mutant(
        "attacks/shadow_classifier.py",
        "classifier.fit(within_reach(rows[drawn]), member[drawn])",
        "classifier.fit(within_reach(rows[drawn]), ~member[drawn])",
    ),
    Mutant("attacks/shadow_classifier.py", "seen.trained_on.reshape(-1)", "seen.trained_on.T.reshape(-1)"),
    Mutant("attacks/shadow_classifier.py", "here = seen.labels == label", "here = seen.labels >= 0"),
    Mutant("attacks/learning.py", "listed = np.lexsort(rows.T[:_SORT_KEYS])", "listed = np.arange(len(rows))"),
    Mutant("attacks/learning.py", "min(most, *map(len, sides))", "most"),
    Mutant("attacks/learning.py", "min(most, *map(len, sides))", "min(map(len, sides))"),
    Mutant("attacks/shadow_classifier.py", "alike = _label_first(seen)", "alike = seen"),
    Mutant("attacks/shadow_classifier.py", "target.mean(axis=0)", "target[0]"),
    Mutant("attacks/shadow_classifier.py", 'stream(seed, "rows of a class", int(label))', 'stream(0, "rows of a class", int(label))'),
    Mutant("attacks/shadow_classifier.py", "< FEWEST_ROWS", "< 0"),
    Mutant("attacks/shadow_classifier.py", "make_pipeline(StandardScaler(), SVC(", "make_pipeline(SVC("),
    # budget and cards
    Mutant("attacks/budget.py", "np.minimum(with_it, len(trained_on) - with_it)", "with_it"),
    Mutant("attacks/budget.py", ">= per_side", "> per_side"),
    Mutant("attacks/budget.py", "mask.mean() < JUDGED_AT_LEAST", "mask.mean() <= JUDGED_AT_LEAST"),
    Mutant("attacks/budget.py", "needy.shadows_per_side + spare", "needy.shadows_per_side"),
    Mutant("attacks/budget.py", "needy = max(", "needy = min("),
    Mutant("attacks/budget.py", "if varies and any(", "if False and any("),
    Mutant("attacks/budget.py", "if varies and any(", "if any("),
    Mutant("attacks/cards.py", "if cards.setdefault(card.name, card) != card:", "if cards.setdefault(card.name, card) is None:"),
    Mutant("attacks/cards.py", "        if key not in known:\n", "        if False:\n"),
)


def main() -> int:
    """Run the mutants that hold the word, or all, and say which survived."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [mutant for mutant in MUTANTS if word in mutant.file + mutant.old + mutant.new]
    for whole in {mutant.file.partition("/")[0]: mutant for mutant in chosen}.values():
        if killed(Mutant(whole.file, whole.old, whole.old)):
            raise SystemExit("the tests fail on an unchanged copy; mend them first")
    survived = 0
    for mutant in chosen:
        dead = killed(mutant)
        survived += not dead
        print(f"{'killed  ' if dead else 'SURVIVED'}  {mutant.file:34} {mutant.old!r} -> {mutant.new!r}", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} mutants killed")
    return 1 if survived else 0


def killed(mutant: Mutant) -> bool:
    """Say whether a test fails on a copy of the checkout with the mutant in it."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for folder in ("mia_audit", "attacks", "datasets", "targets", "tests"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        (copy / "quick_profile.py").write_text(QUICK, encoding="utf-8")
        path = copy / "mia_audit" / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.file}: {mutant.old!r} stands there {text.count(mutant.old)} times; mend the table")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        return not passes(copy, mutant.tests)


def passes(copy: Path, tests: list[str]) -> bool:
    """Say whether the tests pass in a copy of the checkout; the copy goes before the installed package."""
    environment = os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "quick_profile", *tests]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
