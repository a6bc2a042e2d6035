"""Mutants of single files on the floor of mia_audit: streams, arrays, signals."""

from benchmarks.mutations.mutant import Mutant

MUTANTS = (
    # a stream depends on seed, purpose and index, and on nothing else
    Mutant("streams.py", "SeedSequence([seed, _number(purpose), index])", "SeedSequence([seed, _number(purpose), 0])"),
    Mutant("streams.py", "SeedSequence([seed, _number(purpose), index])", "SeedSequence([seed, 0, index])"),
    Mutant("streams.py", "SeedSequence([seed, _number(purpose), index])", "SeedSequence([0, _number(purpose), index])"),
    Mutant("streams.py", "SeedSequence([seed, _number(purpose), index])", "SeedSequence([seed + index, _number(purpose)])"),
    Mutant("streams.py", "SeedSequence([seed, _number(purpose), index])", "SeedSequence([seed, _number(purpose) + index])"),
    Mutant("streams.py", "hashlib.sha256(purpose.encode()).digest()[:8]", "hashlib.sha256(purpose.encode()).digest()[:1]"),
    Mutant("streams.py", 'hashlib.sha256(purpose.encode()).digest()[:8], "little"', 'purpose[:8].encode(), "little"'),
    Mutant("streams.py", "int(stream(seed, purpose, index).integers(2**63 - 1))", "int(stream(seed, purpose).integers(2**63 - 1))"),
    Mutant("streams.py", "integers(2**63 - 1)", "integers(2**8)"),
    # a digest over everything, no pickle
    Mutant("arrays.py", "for name in sorted(arrays):\n        value", "for name in list(sorted(arrays))[:1]:\n        value"),
    Mutant("arrays.py", "for name in sorted(arrays):\n        value", "for name in arrays:\n        value"),
    Mutant("arrays.py", "{name}:{value.dtype.str}:{value.shape};", "{value.dtype.str}:{value.shape};"),
    Mutant("arrays.py", "{name}:{value.dtype.str}:{value.shape};", "{name}:{value.shape};"),
    Mutant("arrays.py", "{name}:{value.dtype.str}:{value.shape};", "{name}:{value.dtype.str};"),
    Mutant("arrays.py", "        state.update(value.tobytes())\n", ""),
    Mutant("arrays.py", "np.load(file, allow_pickle=False)", "np.load(file, allow_pickle=True)"),
    Mutant("arrays.py", "{name: arrays[name] for name in sorted(arrays)}", "{name: arrays[name] for name in arrays}"),
    # every model and example is asked the same, each query anew
    Mutant("signals.py", 'stream_seed(recipe.training.seed, "query", number)', 'stream_seed(recipe.training.seed, "query", 0)'),
    Mutant("signals.py", 'stream_seed(recipe.training.seed, "query", number)', 'stream_seed(0, "query", number)'),
    Mutant("signals.py", 'stream(recipe.training.seed, "query-augment", number)', 'stream(recipe.training.seed, "query-augment", 0)'),
    Mutant("signals.py", "if recipe.audit.augmented_queries else inputs", "if recipe.audit.queries > 99 else inputs"),
    Mutant("signals.py", "[answer[0] for answer in answers], dim=1)", "[answer[0] for answer in answers[:1]], dim=1)"),
    Mutant("signals.py", "dim=2).mean(dim=2)", "dim=2).amax(dim=2)"),
    Mutant("signals.py", "np.mean(rates, axis=0).T", "rates[0].T"),
    Mutant("signals.py", "np.mean(rates, axis=0).T", "np.mean(rates, axis=0)"),
    Mutant("signals.py", "np.stack(logits, axis=1)", "np.stack(logits, axis=1)[:, ::-1]"),
    Mutant("signals.py", "inputs[start : start + size]", "inputs[start : start + size + 1]"),
    Mutant("signals.py", "inputs[start : start + size]", "inputs[:size]"),
)
