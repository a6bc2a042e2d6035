"""Mutants of mia_audit/data."""

from benchmarks.mutations.mutant import Mutant

MUTANTS = (
    # members and non-members come from one pool by coins of their own
    Mutant("data/design.py", 'stream(recipe.training.seed, "membership", index)', 'stream(recipe.training.seed, "membership")'),
    Mutant("data/design.py", 'stream(recipe.training.seed, "membership", index)', 'stream(0, "membership", index)'),
    Mutant("data/design.py", ".random(pool) < fraction", ".permutation(pool) < fraction * pool"),
    Mutant("data/design.py", ".random(pool) < fraction", ".random(pool) > fraction"),
    Mutant("data/design.py", ".random(pool) < fraction", ".random(pool) < 0.5"),
    Mutant("data/design.py", "if not 0 < row.sum() < pool:", "if not 0 <= row.sum() < pool:"),
    Mutant("data/design.py", "if not 0 < row.sum() < pool:", "if not 0 < row.sum() <= pool:"),
    # no example twice
    Mutant(
        "data/deal.py",
        'stream(seed, "deal").permutation(source.train.labels.size)',
        'stream(0, "deal").permutation(source.train.labels.size)',
    ),
    Mutant(
        "data/deal.py", 'order = stream(seed, "deal").permutation(source.train.labels.size)', "order = np.arange(source.train.labels.size)"
    ),
    Mutant("data/deal.py", "order[pool + population : pool + population + calibration]", "order[pool : pool + calibration]"),
    Mutant("data/deal.py", "order[pool + population : pool + population + calibration]", "order[:calibration]"),
    Mutant(
        "data/deal.py",
        "population=_take(source.train, order[pool : pool + population])",
        "population=_take(source.train, order[:population])",
    ),
    Mutant("data/deal.py", "_take(source.train, order[within:])", "_take(source.train, order[-test - 1 : -1])"),
    Mutant("data/deal.py", "_take(source.train, order[within:])", "_take(source.train, order[:test])"),
    Mutant("data/deal.py", "if pool + population + calibration > within:", "if pool + population > within:"),
    Mutant(
        "data/deal.py",
        "inputs=split.inputs[rows], labels=split.labels[rows]",
        "inputs=split.inputs[rows], labels=split.labels[: len(rows)]",
    ),
    Mutant("data/deal.py", 'stream(seed, "deal", 1).permutation(split.labels.size)[:test]', "np.arange(test)"),
    Mutant("data/deal.py", "if shared.size:", "if shared.size > 1:"),
    Mutant("data/deal.py", "if recipe.quantized_later else 0", "if False else 0"),
    Mutant("data/deal.py", "positions=order[:pool]", "positions=np.sort(order[:pool])"),
    Mutant("data/deal.py", "sum(content in found for content in tested)", "len(found)"),
    # what models see
    Mutant("data/examples.py", "_standard(dealt.pool) if dataset.kind", "_standard(source.train) if dataset.kind"),
    Mutant("data/examples.py", "np.where(unit > 0, unit, 1.0)", "unit"),
    Mutant("data/examples.py", "np.float32(source.white)", "np.float32(1)"),
    Mutant("data/examples.py", "test_inputs=_scaled(dealt.test, zero, unit)", "test_inputs=_scaled(dealt.test, *_standard(dealt.test))"),
    Mutant("data/examples.py", "test_labels=dealt.test.labels", "test_labels=dealt.test.labels[::-1]"),
    Mutant("data/examples.py", "((split.inputs - zero) / unit)", "(split.inputs / unit - zero)"),
    Mutant("data/examples.py", 'state.update(np.asarray(labels, dtype="<i8").tobytes())', "state.update(b'')"),
    Mutant("data/examples.py", '        state.update(np.asarray(self.calibration_inputs, dtype="<f4").tobytes())\n', ""),
    Mutant("data/examples.py", "(self.population_inputs, self.population_labels),\n", ""),
    # fingerprints
    Mutant("data/fingerprint.py", "-(2**63), 2**63, values) | 1", "0, 2, values) | 1"),
    Mutant("data/fingerprint.py", "(words[start : start + _ROWS] * factors).sum(axis=1)", "words[start : start + _ROWS].sum(axis=1)"),
    Mutant("data/fingerprint.py", "range(0, len(words), _ROWS)", "range(0, min(len(words), _ROWS), _ROWS)"),
    # moves
    Mutant(
        "data/augmenting.py", "rng.integers(0, 2 * data.crop_padding + 1, (count, 2))", "rng.integers(0, 2 * data.crop_padding, (count, 2))"
    ),
    Mutant("data/augmenting.py", "rng.random(count) < 0.5", "rng.random(count) < 0.75"),
    Mutant("data/augmenting.py", "rng.random(count) < 0.5", "rng.random(1).repeat(count) < 0.5"),
    Mutant("data/augmenting.py", "width - 1 - columns, columns) + corners[:, 1:]", "width - 1 - columns, columns) + corners[:, :1]"),
    Mutant("data/augmenting.py", "width - 1 - columns, columns)", "width - columns, columns)"),
    Mutant("data/augmenting.py", "+ corners[:, :1]", "- corners[:, :1]"),
    Mutant("data/augmenting.py", "np.full((count, 2), data.crop_padding)", "np.full((count, 2), 0)"),
    # bad values
    Mutant("data/checking.py", "(known >= first) & (known < first + classes)", "(known < first + classes)"),
    Mutant("data/checking.py", "(known >= first) & (known < first + classes)", "(known >= first) & (known <= first + classes)"),
    Mutant("data/checking.py", " & (known == np.floor(known))", ""),
    Mutant("data/checking.py", "known.astype(np.int64) - first", "known.astype(np.int64)"),
    Mutant("data/checking.py", "~(np.abs(flat) <= LARGEST)", "np.isnan(flat)"),
    Mutant("data/checking.py", "~(np.abs(flat) <= LARGEST)", "np.abs(flat) > LARGEST"),
    Mutant("data/checking.py", '("test", source.test)', '("test", None)'),
    Mutant("data/checking.py", "row = int(wrong.argmax())", "row = int(wrong.argmin())"),
    Mutant("data/checking.py", "or len(split.inputs) != split.labels.size", ""),
    # events
    Mutant("data/events.py", "(known >= 0) & (known < _PLACES[name])", "(known < _PLACES[name])"),
    Mutant("data/events.py", "(known >= 0) & (known < _PLACES[name])", "(known >= 0)"),
    Mutant("data/events.py", "np.concatenate([[0], since])[offsets[:-1]][sample]", "0"),
    Mutant("data/events.py", "time * steps // _SPAN, polarity, y, x)", "time * steps // _SPAN, polarity, x, y)"),
    Mutant("data/events.py", "time * steps // _SPAN, polarity, y, x)", "time * steps // _SPAN, 1 - polarity, y, x)"),
    Mutant("data/events.py", "late = time >= _SPAN", "late = time > 2 * _SPAN"),
    Mutant("data/events.py", "np.add.at(frames, (sample,", "np.maximum.at(frames, (sample,"),
    Mutant("data/events.py", "offsets[0] != 0 or offsets[-1] != events", "offsets[-1] != events"),
    Mutant("data/events.py", "(slice(None, _TRAIN), slice(_TRAIN, None))", "(slice(_TRAIN, None), slice(None, _TRAIN))"),
    # pictures and tables
    Mutant("data/idx.py", '"big") for place in range(content[3])', '"little") for place in range(content[3])'),
    Mutant("data/idx.py", "if len(body) != expected:", "if len(body) < expected:"),
    Mutant("data/idx.py", "if told.shape != (len(pictures),):", "if told.size < len(pictures):"),
    Mutant("data/idx.py", "pictures.max() <= 1", "pictures.max() <= 0"),
    Mutant("data/idx.py", 'if content[:2] == b"\\x1f\\x8b" else content', 'if content[:2] == b"\\x1f\\x8c" else content'),
    Mutant("data/tables.py", '.rstrip(".").upper()', ".upper()"),
    Mutant("data/tables.py", "sorted({line.cells[column] for line in people})", "sorted({line.cells[column] for line in others})"),
    Mutant("data/tables.py", "_coded(test, others, values)", "_coded(train, people, values)"),
    Mutant("data/tables.py", "_CLUSTERS, placed(file, lines), first=1)", "_CLUSTERS + 1, placed(file, lines), first=0)"),
    Mutant("data/rows.py", "if len(line.cells) != columns]", "if len(line.cells) < columns]"),
    Mutant("data/tables.py", "            parts.append(told[:, [_NUMBERS.index(column)]])", "            parts.append(told[:, [0]])"),
    Mutant("data/tables.py", 'if not line.cells[0].startswith("|")]', "if line.cells[0]]"),
    Mutant("data/vision.py", "*train, test, meta = layout.files", "test, *train, meta = layout.files"),
    Mutant("data/vision.py", "(files[:2], files[2:])", "(files[2:], files[:2])"),
    Mutant("data/vision.py", "            _parse(profile, layout, Path(scratch))\n", ""),
    Mutant("data/vision.py", "if absent and offline:", "if False:"),
)
