"""Mutants of mia_audit/conversion and of what stages an audit; the first are faults that were met."""

from benchmarks.mutations.mutant import Mutant

MUTANTS = (
    # faults of published code, or met in a prototype
    Mutant("conversion/synthesis.py", "labels=soft.argmax(dim=2)",
           "labels=torch.arange(soft.shape[1]).remainder(3).expand(len(soft), -1)"),
    Mutant("conversion/balancing.py", "        _scale(layers[number], 1 / theta)\n", "        _scale(layers[number], theta / theta)\n"),
    Mutant("conversion/balancing.py", "    for layer in population.layers[:place]:\n        x = layer(x, QUERY)\n",
           "    for layer in population.layers[:place]:\n        x = x.relu() if hasattr(layer, 'neuron') else layer(x, QUERY)\n"),
    Mutant("conversion/balancing.py", "    _scale_weight(layers[-1], product)\n", ""),
    Mutant("conversion/rules.py", 'if recipe.model.readout != "accumulated":', "if False:"),
    # thresholds
    Mutant("conversion/balancing.py", "        _scale_bias(layers[number], 1 / product)\n", ""),
    Mutant("conversion/balancing.py", "        product = product * theta\n", "        product = theta\n"),
    Mutant("conversion/balancing.py", "1 + math.floor(values * (100 - percentile)", "2 + math.floor(values * (100 - percentile)"),
    Mutant("conversion/balancing.py", "rows = torch.cat([self._kept, rows], dim=1)", "rows = rows"),
    Mutant("conversion/balancing.py", "if not value > 0]", "if value < 0]"),
    Mutant("conversion/balancing.py", "by_weight = 1 / products[:, -1] if last", "by_weight = products[:, -1] if last"),
    Mutant("conversion/folding.py", "own.weight * alike(scale, own.weight)", "own.weight"),
    Mutant("conversion/folding.py", "norm.running_mean.squeeze(1) * scale\n", "norm.running_mean.squeeze(1)\n"),
    Mutant("conversion/timing.py", "currents.cumsum(dim=1) / by_step", "currents.cumsum(dim=1) / steps"),
    Mutant("conversion/timing.py", ".sum(dim=(2, 3)).cumsum(dim=1)", ".sum(dim=(2, 3))"),
    Mutant("conversion/rules.py", 'layer.of == "max":', "layer.of == 'none':"),
    Mutant("conversion/rules.py", "isinstance(layer, Conv | Linear) and not fired:", "isinstance(layer, Conv) and not fired:"),
    # images from a teacher
    Mutant("conversion/synthesis.py", "/ np.maximum(high - low, 1e-12), FLOOR)", "/ np.maximum(high - low, 1e-12), 0)"),
    Mutant("conversion/synthesis.py", "classes = np.arange(images) % len(rows)", "classes = np.zeros(images, dtype=int)"),
    Mutant("conversion/synthesis.py", "            part.clamp_(0, 1)\n", "            part.clamp_(-9, 9)\n"),
    Mutant("conversion/synthesis.py", "loss = -(target * logits", "loss = (target * logits"),
    Mutant("conversion/synthesis.py", 'stream(seed, "synthesis", index)', 'stream(seed, "synthesis", 0)'),
    Mutant("conversion/synthesis.py", "if own < HOPELESS * how.agreement:", "if False:"),
    Mutant("conversion/synthesis.py", "            if not self._look(start + count).any():\n                return\n",
           "            self._look(start + count)\n"),
    # training through time
    Mutant("conversion/encryption.py", "how.temperature**2 * divergence", "divergence"),
    Mutant("conversion/encryption.py", "(theirs.exp() * (theirs - ours))", "(ours.exp() * (ours - theirs))"),
    Mutant("conversion/encryption.py", "(1 - how.distillation) * hard", "hard"),
    Mutant("conversion/encryption.py", "/ before.flatten(1).norm(dim=1)", ""),
    Mutant("conversion/encryption.py", "values[models, places.to(values.device)]", "values[:, places[0].to(values.device)]"),
    Mutant("conversion/encryption.py", "    population.eval()\n", ""),
    # stages
    Mutant("conversion/stages.py", '{"teacher": teacher.key, "models": indices,', '{"models": indices,'),
    Mutant("conversion/stages.py", '"steps": recipe.model.time_steps})', '"steps": 0})'),
    Mutant("conversion/stages.py", 'before.model_copy(update={"bias": True})', "before"),
    Mutant("conversion/working.py", "    require_learnt(teacher, given, job.task.indices)\n", ""),
    Mutant("conversion/learnt.py", 'way_out = f"use --set model.time_steps={found}"',
           'way_out = f"use --set model.time_steps={found // 2}"'),
    Mutant("conversion/images.py", "np.flatnonzero(row))[: conversion.images]", "np.flatnonzero(row))[:0]"),
    Mutant("audit/bank/staging.py", "np.concatenate([own, others[first:]])", "np.concatenate([others[:first], others[first:]])"),
    Mutant("audit/bank/staging.py", "        asked=target.asked,\n", ""),
    Mutant("audit/bank/staging.py", "        teachers=teachers,\n", ""),
    # counts
    Mutant("conversion/energy.py", "(1 if static else 1 + _steps(added))", "1"),
    Mutant("conversion/energy.py", "each.macs / each.inputs for", "each.macs for"),
    Mutant("conversion/exposure.py", "ordered[owners != image][fewer - 1]", "ordered[fewer - 1]"),
    # inversion
    Mutant("inversion/evaluators.py", "if shared > SHARED * len(inputs):", "if False:"),
    Mutant("inversion/judging.py", "return grid[int(np.argmax(scores))]", "return grid[0]"),
    Mutant("inversion/judging.py", "self.run(shadow, how)", "self.run(networks=shadow, how=grid[-1])"),
    Mutant("inversion/judging.py", "(found.classes + 1) % classes", "found.classes"),
    Mutant("inversion/judging.py", "(inside < outside)", "(inside > outside)"),
    Mutant("inversion/judging.py", "return min(1.0, 2 * tail)", "return min(1.0, tail)"),
    Mutant("inversion/ascent.py", "roughness(images).sum() - sure.sum()", "roughness(images).sum() + sure.sum()"),
    Mutant("inversion/ascent.py", "leaf.clamp_(0, 1)", "leaf.clamp_(0, 9)"),
    Mutant("inversion/prior.py", "/ np.sqrt(len(images))", ""),
)  # fmt: skip
