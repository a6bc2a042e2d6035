"""Mutants of private training: what makes a differentially private step none, one at a time."""

from benchmarks.mutations.mutant import Mutant

STEP, TALLY, BATCHES = "training/private_step.py", "models/tally.py", "training/private_batches.py"

MUTANTS = (
    # noise
    Mutant(STEP, "sums + self._deviation * torch.stack(drawn)", "sums"),
    Mutant(STEP, "sums + self._deviation * torch.stack(drawn)", "sums + 0.5 * self._deviation * torch.stack(drawn)"),
    Mutant(STEP, "sums + self._deviation * torch.stack(drawn)", "sums + self._deviation * drawn[0]"),
    Mutant(STEP, "sums + self._deviation * torch.stack(drawn)", "sums + self._deviation / self._divisor * torch.stack(drawn)"),
    Mutant(STEP, 'stream_seed(training.seed, "privacy noise", index)', 'stream_seed(training.seed, "privacy noise")'),
    Mutant(STEP, 'stream_seed(training.seed, "privacy noise", index)', 'stream_seed(0, "privacy noise", index)'),
    Mutant(STEP, "filled(private.noise_multiplier) * private.max_grad_norm", "filled(private.noise_multiplier)"),
    Mutant(STEP, "torch.randn(shape, generator", "torch.rand(shape, generator"),
    Mutant(
        STEP,
        "        optimizing.set_rate(self._optimizer, self._training, epoch)\n",
        "        optimizing.set_rate(self._optimizer, self._training, epoch)\n"
        "        self._noise = [each.manual_seed(each.initial_seed()) for each in self._noise]\n",
    ),
    # clipping
    Mutant(STEP, "return most / norms.clamp(min=most)", "return torch.ones_like(norms)"),
    Mutant(STEP, "return most / norms.clamp(min=most)", "return most / norms.clamp(min=1e-9)"),
    Mutant(
        STEP,
        "factors = clipping(tally.norms(self._population), self._norm)",
        "factors = clipping((n := tally.norms(self._population)).mean(dim=1, keepdim=True).expand_as(n), self._norm)",
    ),
    Mutant(
        STEP,
        "factors = clipping(tally.norms(self._population), self._norm)",
        "factors = torch.ones_like(tally.norms(self._population))",
    ),
    Mutant(STEP, "tally.norms(self._population), self._norm)", "tally.norms(self._population), self._norm * self._divisor)"),
    Mutant(TALLY, "for part in self.parts]).sum(dim=0)", "for part in self.parts[:-1]]).sum(dim=0)"),
    Mutant(TALLY, "for part in self.parts]).sum(dim=0)", "for part in self.parts if part.parameter.ndim > 2]).sum(dim=0)"),
    Mutant(TALLY, "for part in self.parts]).sum(dim=0)", "for part in self.parts]).amax(dim=0)"),
    Mutant(TALLY, "return squares.sqrt().float()", "return squares.float()"),
    # norms
    Mutant(TALLY, "x, g = rows.transpose(0, 1).double(), grad", "x, g = rows.transpose(0, 1)[:, -1:].double(), grad[-1:]"),
    Mutant(TALLY, "self._grad = (grad.float() / self._gain)", "self._grad = grad.float()"),
    Mutant(TALLY, "squares: Tensor = (norms / self._gain[k].double()).square()", "squares: Tensor = norms.square()"),
    Mutant(TALLY, "_weighed(factors[k], own) / self._gain[k].unsqueeze(1)", "_weighed(factors[k], own)"),
    Mutant(TALLY, "flatten(2, -2).sum(dim=2), None", "flatten(2, -2).mean(dim=2), None"),
    Mutant(TALLY, "each.transpose(1, 2).flatten(2, -2)", "each.transpose(1, 2)[:, :, :1].flatten(2, -2)"),
    Mutant(TALLY, "(self._grad * factors[:, None, :, None])", "self._grad"),
    Mutant(TALLY, "own = factors[start : start + len(part)]", "own = factors[: len(part)]"),
    Mutant("models/unfolding.py", "rows, length = steps * height * width,", "rows, length = height * width,"),
    Mutant("models/unfolding.py", "grad[:, start : start + size].transpose(0, 1).reshape", "grad[:, start : start + size].reshape"),
    # what is not known
    Mutant(TALLY, '"is frozen": not parameter.requires_grad', '"is frozen": False'),
    Mutant(TALLY, '"reported nothing": not any(part.received for part in own)', '"reported nothing": False'),
    Mutant(TALLY, '"reported nothing": not any(part.received for part in own)', '"reported nothing": not own'),
    Mutant(TALLY, '"is used twice": len(own) > 1', '"is used twice": False'),
    Mutant(TALLY, "parameter.grad is not None,", "False,"),
    # the divisor, and who is counted
    Mutant(STEP, "/ self._divisor for sums in self._sums(tally)]", "/ max(passage.counts) for sums in self._sums(tally)]"),
    Mutant(STEP, "/ self._divisor for sums in self._sums(tally)]", "for sums in self._sums(tally)]"),
    Mutant(STEP, "(losses * (filled(passage.weights) > 0)).sum()", "losses.sum()"),
    Mutant(STEP, "(losses * (filled(passage.weights) > 0)).sum()", "weighted(losses, passage).sum()"),
    Mutant(STEP, "        self._optimizer.zero_grad(set_to_none=True)\n", ""),
    # who is drawn
    Mutant(BATCHES, "coins.random(own.size) < self.rate", "coins.random(own.size) < 0.8 * self.rate"),
    Mutant(BATCHES, "coins.random(own.size) < self.rate", "coins.permutation(own.size) < round(self.rate * own.size)"),
    Mutant(BATCHES, 'stream(self.seed, "poisson", index)', 'stream(self.seed, "poisson")'),
    Mutant(BATCHES, 'stream(self.seed, "poisson", index)', 'stream(0, "poisson", index)'),
    Mutant(BATCHES, "coins.integers(self.steps, size=own.size)", "coins.permutation(own.size) % self.steps"),
    Mutant(BATCHES, 'stream(self.seed, "balls and bins", index)', 'stream(self.seed, "balls and bins")'),
    Mutant("training/sampling.py", "constants(recipe, pool), recipe.privacy", "constants(recipe, int(2 * rows[0].sum())), recipe.privacy"),
    Mutant("training/sampling.py", 'recipe.privacy.sampling == "poisson"', 'recipe.privacy.sampling != "poisson"'),
    Mutant("privacy/constants.py", "round(pool * recipe.data.member_fraction)", "pool"),
    Mutant("privacy/constants.py", "epochs=recipe.training.last_epoch", "epochs=1"),
    # the operating system's numbers
    Mutant(STEP, "[None] * len(indices) if private.secure_noise else list(seeded)", "list(seeded)"),
    Mutant(BATCHES, 'SystemCoins() if self.secure else stream(self.seed, "poisson"', 'stream(self.seed, "poisson"'),
    Mutant(BATCHES, 'SystemCoins() if self.secure else stream(self.seed, "balls', 'stream(self.seed, "balls'),
    Mutant("training/system.py", "/ math.sqrt(_TERMS)", "/ _TERMS"),
    Mutant("training/system.py", "radius * np.cos(turn), radius * np.sin(turn)", "radius * np.cos(turn), radius * np.cos(turn)"),
    # what is claimed
    Mutant("privacy/claim.py", "math.ceil(guarantees(recipe)[0].epsilon * DIGITS)", "math.floor(guarantees(recipe)[0].epsilon * DIGITS)"),
    Mutant("privacy/claim.py", "if told.claimed_epsilon < epsilon:", "if told.claimed_epsilon > epsilon:"),
    Mutant("privacy/claim.py", "if told.claimed_delta != delta:", "if told.claimed_delta > delta:"),
    Mutant("training/private_rules.py", "if private.delta >= 1 / pool:", "if private.delta > 1 / pool:"),
    Mutant("training/private_rules.py", 'kind in {"batch", "batch-per-step"}', 'kind == "batch"'),
    Mutant("training/private_rules.py", 'for name in ("activation_bits", "input_bits"):', 'for name in ("activation_bits",):'),
    Mutant("audit/controls/entered.py", "(1 - told.rate) ** (told.steps * recipe.training.last_epoch)", "(1 - told.rate) ** told.steps"),
    Mutant("report/guarantee.py", "shown.claimed.p_bound <= shown.level", "shown.claimed.p_bound <= 0"),
    Mutant("report/guarantee.py", "or shown.claimed.needed is None:", "or False:"),
    Mutant("audit/request/options.py", "if secure and recipe.privacy is None:", "if False:"),
    Mutant("audit/request/options.py", 'override(recipe, {"privacy.secure_noise": True}) if secure else recipe', "recipe"),
    Mutant("audit/planning.py", "for each in private.guarantees if each.bound]", "for each in private.guarantees[:1]]"),
    Mutant("audit/controls/entered.py", "if strange:", "if strange > 5:"),
)
