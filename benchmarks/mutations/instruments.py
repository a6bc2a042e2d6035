"""Mutants of what puts a privacy claim to the test: mia_audit/instruments, and the statistics and claims that it stands on."""

from benchmarks.mutations.mutant import Mutant

MUTANTS = (
    # the claim's curve
    Mutant("statistics/curve.py", "middle = (1 - deltas[0]) / (1 + slopes[0])", "middle = (1 - deltas[0]) / 2"),
    Mutant("statistics/curve.py", "[[deltas[-1]], (slopes[:-1] * meet + deltas[:-1])[::-1]", "[[deltas[-1]], (slopes[1:] * meet)[::-1]"),
    Mutant("statistics/curve.py", "fpr=np.concatenate([x, 1 - y[::-1]])", "fpr=np.concatenate([x, 1 - x[::-1]])"),
    Mutant("privacy/stated.py", 'return 1.0 if self.adjacency == "add/remove" else 2.0', "return 1.0"),
    Mutant(
        "privacy/stated.py",
        "return None if releases is None else math.sqrt(releases) * self.step_mu",
        "return None if releases is None else releases * self.step_mu",
    ),
    Mutant("privacy/stated.py", "pessimistic_estimate=not least,", "pessimistic_estimate=True,"),
    # both counts together
    Mutant("statistics/refuting.py", "binom.sf(least - 1, inside, tpr)", "binom.sf(least, inside, tpr)"),
    Mutant("statistics/refuting.py", "permits.slope(fpr) ** 2 * fpr", "permits.slope(fpr) * fpr"),
    Mutant("statistics/refuting.py", "return min(1.0, GAMMA + max(", "return min(1.0, GAMMA + min("),
    # shifts
    Mutant("statistics/shift.py", "return self.inside + self.outside - 2", "return self.inside + self.outside"),
    Mutant("statistics/shift.py", "self.inside * self.outside / (self.inside + self.outside)", "(self.inside + self.outside) / 4"),
    Mutant(
        "statistics/shift.py", "return float(chi2.cdf(squares / variance, freedom))", "return float(chi2.sf(squares / variance, freedom))"
    ),
    Mutant(
        "statistics/shift.py",
        "return len(rounded) - len(np.unique(rounded + 0.0, axis=0))",
        "return len(np.unique(rounded + 0.0, axis=0)) - 1",
    ),
    # samplers
    Mutant("statistics/inclusion.py", "pairs * rate**2 >= FEWEST", "pairs * rate >= FEWEST"),
    Mutant("statistics/inclusion.py", "n=2 * rows, axis=0)\n    products", "n=rows, axis=0)\n    products"),
    Mutant("statistics/inclusion.py", "if (epochs.sum(axis=1) != 1).any():", "if (epochs.sum(axis=1) > 1).any():"),
    # scores
    Mutant("statistics/likelihood.py", "np.logaddexp(np.log1p(-rate), np.log(rate) + exponent)", "np.log(rate) + exponent"),
    Mutant("statistics/likelihood.py", "exponent = (2 * z[start : start + rows]", "exponent = (z[start : start + rows]"),
    Mutant("statistics/likelihood.py", "norms < clip * (1 - 1e-6)", "norms < clip * 20"),
    Mutant("statistics/gaussian_pair.py", "math.log(t / s) - epsilon", "math.log(s / t) - epsilon"),
    # instruments and verdicts
    Mutant("instruments/verdict.py", "return min(1.0, len(ps) * min(ps.values()))", "return min(1.0, min(ps.values()))"),
    Mutant("instruments/verdict.py", "self.factor >= HALF", "self.factor <= HALF"),
    Mutant(
        "instruments/step.py",
        "return 0.0 if shift.repeated(case.inside[:, columns])",
        "return 1.0 if shift.repeated(case.inside[:, columns])",
    ),
    Mutant("instruments/step.py", "row = chosen / np.maximum(variance, floor)", "row = np.ones(gap.size)"),
    Mutant(
        "instruments/one_run.py",
        "        low, high = (low, middle) if refuted(middle) else (middle, high)\n    return float(10.0**high)",
        "        low, high = (low, middle) if refuted(middle) else (middle, high)\n    return 10 * float(10.0**high)",
    ),
    Mutant("instruments/one_run.py", "return likelihood.log_ratio(z, noise, claim.rate)", "return likelihood.inner_products(z)"),
    Mutant("instruments/trainings.py", "rest = inside[cut[0] :], outside[cut[1] :]", "rest = inside[cut[0] :], outside[: cut[1]]"),
    Mutant("instruments/trainings.py", "factor=HALF if seen else None", "factor=HALF"),
    Mutant("instruments/step.py", "low, high = (middle, high) if seen(middle) else (low, middle)", "low, high = (low, middle)"),
    Mutant("instruments/step.py", "return min(1.0, len(ps) * min(ps))", "return min(1.0, max(ps))"),
    Mutant("instruments/step.py", '"mu at least": shift.least_mu(mus[largest], level / len(random))', '"mu at least": mus[largest].mu'),
    Mutant(
        "instruments/step.py", "(claim.noise_multiplier * unit * float(case.lengths[column])) ** 2", "(claim.noise_multiplier * unit) ** 2"
    ),
    Mutant(
        "instruments/sampler.py",
        "inclusion.smallest_rate(chances, claim.rate, level / (5 * models))",
        "inclusion.smallest_rate(chances, claim.rate, level)",
    ),
    Mutant(
        "instruments/sampler.py", '"rate measured": sum(int(m.sum()) for m in models)', '"rate measured": sum(int(m.size) for m in models)'
    ),
    Mutant("instruments/sampler.py", "float(matrix.all())", "float(matrix.any())"),
    Mutant("instruments/sampler.py", 'return {"once": found["once"]} if claim.sampling == "shuffle" else found', "return found"),
    Mutant("instruments/family.py", "relative = self.claim.with_noise(factor)", "relative = self.claim.with_noise(1 / factor)"),
    Mutant("instruments/family.py", "return self.epsilon(high)", "return self.epsilon(low)"),
    Mutant(
        "instruments/family.py",
        "next((factor for factor in FACTORS if seen(factor)), None)",
        "next((factor for factor in FACTORS[::-1] if seen(factor)), None)",
    ),
    Mutant("instruments/observations.py", "np.argwhere(~np.isfinite(values))", "np.argwhere(np.isnan(values))"),
    Mutant("instruments/observations.py", "if len(values) != steps:", "if len(values) > steps:"),
    Mutant("instruments/observations.py", "for kind, (must, _) in KINDS.items() if all(", "for kind, (must, _) in KINDS.items() if any("),
    Mutant("instruments/observations.py", "if values.size != 1 or values.item() <= 0:", "if values.size != 1:"),
    Mutant("instruments/observations.py", "if name in _BOOLS and not _are_bools(values):", "if name in _BOOLS and False:"),
    Mutant("instruments/observations.py", "if half:", "if False:"),
    Mutant("instruments/one_run.py", "noise = min(claim.noise_multiplier, max(", "noise = max(claim.noise_multiplier, max("),
    Mutant("instruments/one_run.py", "z += _drawn(claim, canaries, rng) & coins", "z += _drawn(claim, canaries, rng)"),
    Mutant("instruments/audit.py", "> 2.5 * np.sqrt(coins.size):", "> 25 * np.sqrt(coins.size):"),
    Mutant("instruments/audit.py", "outside[number % len(outside)],", "outside[0],"),
    Mutant("instruments/audit.py", "if canaries.dead.size:", "if False:"),
    Mutant("cli/dp_audit.py", "if found.verdict == VIOLATED:", "if found.misstated:"),
    Mutant("cli/dp_audit.py", "None if isinstance(content, float) and not math.isfinite(content) else content", "content"),
    Mutant("instruments/audit.py", "if self.misstated or VIOLATED in said:", "if VIOLATED in said:"),
    Mutant("instruments/audit.py", "each = Family(claim=claim), level / len(seen.kinds)", "each = Family(claim=claim), level"),
)
