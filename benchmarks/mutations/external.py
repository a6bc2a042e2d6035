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
    # references that know the target's members, and targets that learnt nothing
    Mutant("face/masks.py", "abs(found[number]) < SAME", "found[number] < SAME"),
    Mutant("face/scoring.py", "if not follows[each.model]]", "if True]"),
    Mutant("record/claims.py", "found.right.low > found.commonest", "found.right.low > 0"),
    Mutant("face/scoring.py", "given = scores[order]", "given = scores"),
    # files that need no code
    Mutant("external/estimators.py", "(children <= places).any() or ", ""),
    Mutant("external/estimators.py", "feature[inner].max() < columns", "True"),
    Mutant("external/skops_file.py", "    _require_known(name, path)\n", ""),
    Mutant("external/nir_file.py", "not isinstance(group.get(key, getlink=True), h5py.HardLink)", "False"),
    Mutant("external/nir_file.py", "fired = (before > threshold).double()", "fired = (v > threshold).double()"),
    Mutant("external/nir_file.py", 'x = state["i"] = current + dt', 'x = state["i"] = current - dt'),
    Mutant("external/program.py", 'return "constants.pkl" in names and', 'return "constants.pkl" not in names and'),
    Mutant("external/code.py", "if one is not None and not trusted:", "if False:"),
    Mutant("external/named.py", 'if "auto_map" in config:', "if False:"),
    Mutant("external/named.py", "    if lost:\n", "    if False:\n"),
    # served networks
    Mutant("external/served.py", "if key not in known and keys.index(key) == place]", "]"),
    Mutant("external/served.py", "if most is not None and sent + examples > most:", "if False:"),
    Mutant("external/served.py", "return partial(self._asked, turn=turn)", "return partial(self._asked, turn=0)"),
    Mutant("external/served.py", "            if self.clock() > end:", "            if False:"),
    Mutant("external/served.py", "got.pause if got.pause is not None else ", ""),
    Mutant("external/answers.py", "WHERE turn = ? AND example IN", "WHERE turn >= ? AND example IN"),
    # targets handed on
    Mutant("exporting/parts.py", ".movedim(-1, 1).reshape(len(weight), -1)", ".reshape(len(weight), -1)"),
    Mutant("exporting/parts.py", "values = values * gain", "values = values * gain.sign()"),
    Mutant("exporting/writing.py", "if not apart <= CLOSE", "if False and not apart <= CLOSE"),
    Mutant("exporting/graphs.py", "each.metadata_props.clear()", "pass"),
    Mutant("record/scored.py", "if abs(said - counted) > _CLOSE:", "if False:"),
    Mutant("record/scored.py", "if not any(told.values()):", "if False:"),
)
