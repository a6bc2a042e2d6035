"""Mutants of what reads other people's files and asks other people's networks, and of what is said of them."""

from benchmarks.mutations.mutant import Mutant

MUTANTS = (
    # a mask turned over, and a row asked in another order
    Mutant(
        "face/scoring.py", '"in `member` and the references alike") if down', '"in `member` and the references alike") if False and down'
    ),
    Mutant("face/asked.py", "answers[order] = found", "answers[:] = found"),
    Mutant("external/examples.py", "[each in both for each in digests]", "[False for each in digests]"),
    Mutant("external/functions.py", "            each.training = training", "            each.training = True"),
    # what a file promises, what it rounds, and who is on both sides
    Mutant("external/archive.py", "if promised != member.file_size:", "if False:"),
    Mutant("external/outputs.py", "floor = 0.5 * 10.0**-digits", "floor = 1e-9"),
    Mutant("external/membership.py", "if place in seen:", "if False:"),
    # another network, and code that nobody trusts
    Mutant("external/fitting.py", "    _require_as_built(file, fit, module)\n", ""),
    Mutant("external/code.py", 'state.update(hashlib.file_digest(file, "sha256").digest())', "pass"),
    Mutant("record/scored.py", "if abs(said - counted) > _CLOSE:", "if False:"),
    Mutant("record/scored.py", "if not any(told.values()):", "if False:"),
)
