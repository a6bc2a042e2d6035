"""Mutants of mia_audit/probes."""

from benchmarks.mutations.mutant import Mutant

MUTANTS = (
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
    Mutant("probes/releasing.py", "subject.population.state_dict()", "build(recipe, indices, pool).state_dict()"),
    Mutant("probes/releasing.py", "build(released(recipe, 32), indices, pool)", "build(recipe, indices, pool)"),
)
