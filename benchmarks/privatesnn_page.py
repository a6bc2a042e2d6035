"""What `privatesnn.py` found, as a page for people: tables, and the paper's claims one by one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

THROUGH = 8
"""Time steps of encryption, and of the accuracies beside it."""
STEPS = (4, 8, 16, 32, 64, 128)
SOURCES = ("members", "synthetic", "noise")
TITLES = {"digits": "digits (8 x 8, a pool of 900)", "fashion-mnist": "Fashion-MNIST (a pool of 4,000)"}
PAIRS = ("32-bit float", "32-bit integer")
TOLERABLE = 0.02
"""Accuracy that the paper says is lost at most."""
PROMISED = 55.0
"""By how many times the paper says that energy falls."""


def page(found: Mapping[str, Any]) -> str:
    """Return the page of all data sets that were measured."""
    parts = [
        "# PrivateSNN on a small scale\n",
        "Written by `python -m benchmarks.privatesnn digits`; numbers in `privatesnn.json`, definitions in `docs/privatesnn.md`. VGG5 at a",
        "quarter of its width, without norm and biases. Means and 95 % intervals (Student's t) are over five teachers, whose training data",
        "overlap by half; membership is of one target, with DeLong's intervals. One small data set decides nothing about CIFAR-10.\n",
    ]
    for name, own in found.items():
        parts += [f"## {TITLES[name]}\n", *_claims(own), *_by_steps(own["by_steps"]), *_membership(own["membership"])]
        parts += [*_curve(own["leakage"], _before(own)), *_leakage(own["leakage"]), *_members(own["members"]), *_exposed(own["exposed"])]
    return "\n".join(parts).rstrip() + "\n"


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean of independent values and its 95 % interval."""
    each = np.asarray(values, dtype=float)
    half = float(stats.t.ppf(0.975, each.size - 1) * each.std(ddof=1) / np.sqrt(each.size))
    return float(each.mean()), float(each.mean()) - half, float(each.mean()) + half


def _said(values: Sequence[float], digits: int = 2) -> str:
    mean, low, high = interval(values)
    return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _run(own: Mapping[str, Any], start: float, source: str) -> Mapping[str, Any]:
    run: Mapping[str, Any] = next(run for run in own["runs"] if (run["start"], run["source"]) == (start, source))
    return run


def _drops(own: Mapping[str, Any], start: float, source: str) -> list[tuple[int, tuple[float, float, float]]]:
    """Return what converted networks lose against their own teachers, at each number of steps."""
    reached = np.array(_run(own, start, source)["accuracy"])
    return [(steps, interval((np.array(own["teacher"]) - reached[:, place]).tolist())) for place, steps in enumerate(STEPS)]


def _by_steps(own: Mapping[str, Any]) -> list[str]:
    heads, rule = " | ".join(f"T {t}" for t in STEPS), "|---|---|" + "---|" * len(STEPS)
    lines = [f"### Accuracy by time steps (teachers: {_said(own['teacher'])})\n", f"| start | balanced on | {heads} |", rule]
    for run in own["runs"]:
        cells = [f"{mean:.2f}" for mean in np.array(run["accuracy"]).mean(axis=0)]
        lines.append(f"| {run['start']:g} | {run['source']} | {' | '.join(cells)} |")
    lines += ["\n### Energy, an operation-count estimate: teacher over spiking network (start one half)\n"]
    lines += [f"| balanced on | constants | {heads} |", rule]
    for source in SOURCES:
        for pair in PAIRS:
            gains = np.array(_run(own, 0.5, source)["gain"][pair]).mean(axis=0)
            lines.append(f"| {source} | {pair} | {' | '.join(f'{gain:.1f}' for gain in gains)} |")
    share, taken = np.mean(own["agreement"]), own["iterations"]
    lines.append(f"\nSynthetic images: teachers agree with {share:.0%} of the labels, after {min(taken)} to {max(taken)} iterations.\n")
    return lines


def _auc(estimate: Mapping[str, Any]) -> str:
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"


def _membership(own: Mapping[str, Any]) -> list[str]:
    names = ("loss", "lira-online", "rmia-online")
    lines = [
        "### Membership by stage, AUC; shadow models are teachers\n",
        f"| stage | test accuracy | {' | '.join(names)} | failed controls |",
    ]
    lines.append("|---|---|" + "---|" * (len(names) + 1))
    for stage, told in own.items():
        cells = [_auc(told["attacks"][name]) for name in names]
        lines.append(f"| {stage} | {told['accuracy']['value']:.3f} | {' | '.join(cells)} | {', '.join(told['failed']) or 'none'} |")
    return [*lines, ""]


def _mean_success(row: Mapping[str, Any], kind: str = "success") -> list[float]:
    """Return each network's share, a mean over evaluators."""
    shares: list[float] = np.mean(list(row[kind].values()), axis=0).tolist()
    return shares


def _curve(own: Mapping[str, Any], before: float) -> list[str]:
    lines = [f"### Encryption: a curve, not a point, at T {THROUGH}, where converted networks reach {before:.2f} before it\n"]
    lines.append("| learning rate x epochs | weights moved, by layer | accuracy | mapped back | class seen | with a prior | sees its own |")
    lines.append("|---|---|---|---|---|---|---|")
    for point in own["curve"]:
        moved = ", ".join(f"{100 * share:.1f} %" for share in np.array(point["moved"]).mean(axis=0))
        plain, known = point["rows"]
        lines.append(
            f"| {point['learning_rate']:g} x {point['epochs']} | {moved} | {_said(point['accuracy'])} | {_said(point['mapped'])} | "
            f"{_said(_mean_success(plain))} | {_said(_mean_success(known))} | "
            f"{np.mean(plain['recognised']):.2f}, {np.mean(known['recognised']):.2f} |"
        )
    lines.append("\nClass seen: share of images of the network, its weights mapped back, in which evaluators see the class; their mean.\n")
    return lines


def _leakage(own: Mapping[str, Any]) -> list[str]:
    judges = list(own["rows"][0]["success"])
    lines = ["### Class leakage, evaluator by evaluator\n", f"| images of | {' | '.join(judges)} | wrong class | recognises its own |"]
    lines.append("|---|" + "---|" * (len(judges) + 2))
    for row in own["rows"]:
        cells = [_said(row["success"][judge]) for judge in judges]
        name = f"{row['name']}{', with a prior' if row['prior'] else ''} ({row['images']} a network)"
        wrong = np.mean(_mean_success(row, "wrong"))
        lines.append(f"| {name} | {' | '.join(cells)} | {wrong:.2f} | {np.mean(row['recognised']):.2f} |")
    for control, shares in own["natural"].items():
        lines.append(f"| control: {control} images | {' | '.join(f'{shares[judge]:.2f}' for judge in judges)} | | |")
    lines.append(f"\nSettings were chosen on a sixth teacher: {own['settings']['False']}; within the prior {own['settings']['True']}.\n")
    return lines


def _members(own: Mapping[str, Any]) -> list[str]:
    return [
        f"The nearest member is nearer than the nearest of as many others in a share of {_said(own['nearer'])} of a teacher's images, over",
        "five teachers: images of one are much alike, so that they count once. One half is chance.\n",
    ]


def _exposed(own: Mapping[str, Any]) -> list[str]:
    lines = [f"### How many of {own['images']} balancing members a threshold gives away\n"]
    lines += ["| layer | maximum | it moves by | 99.9th percentile, at all | by 1 % |", "|---|---|---|---|---|"]
    for number, layer in enumerate(own["layers"], 1):
        lines.append(
            f"| {number} | {layer['maximum']} | {100 * layer['maximum moves']:.1f} % | {layer['percentile']} | "
            f"{layer['percentile by 1 %']} |"
        )
    return [*lines, ""]


def _claims(own: Mapping[str, Any]) -> list[str]:
    return ["The paper's claims, here:\n", *(f"- {claim}" for claim in (_lost(own), _saved(own), _hidden(own), _private(own))), ""]


def _lost(own: Mapping[str, Any]) -> str:
    (_, half), (_, zero) = (_drops(own["by_steps"], start, "synthetic")[3] for start in (0.5, 0.0))
    verdict = "held" if half[2] < TOLERABLE else "did not hold" if half[1] > TOLERABLE else "not decidable here"
    return (
        f"*Accuracy falls by less than 2 points*: **{verdict}**. Balanced on synthetic images, at T 32: {half[0]:.3f} ({half[1]:.3f} to "
        f"{half[2]:.3f}) from half a threshold, {zero[0]:.3f} ({zero[1]:.3f} to {zero[2]:.3f}) from zero."
    )


def _saved(own: Mapping[str, Any]) -> str:
    steps = own["by_steps"]
    within = [place for place, (_, drop) in enumerate(_drops(steps, 0.5, "synthetic")) if drop[0] < TOLERABLE]
    gains = {pair: np.array(_run(steps, 0.5, "synthetic")["gain"][pair]).mean(axis=0) for pair in PAIRS}
    best = {pair: max((gains[pair][place] for place in within), default=0.0) for pair in PAIRS}
    verdict = "held" if max(best.values()) >= PROMISED else "did not hold"
    told = " and ".join(f"{best[pair]:.1f} times ({pair})" for pair in PAIRS)
    return f"*About 55 times less energy*: **{verdict}**. Where no more than 2 points are lost, at most {told}, by operation counts."


def _hidden(own: Mapping[str, Any]) -> str:
    leak = own["leakage"]
    floor = max(interval(_mean_success(row))[2] for row in leak["rows"] if row["name"] == "untrained")
    before = _before(own)
    kept = [point for point in leak["curve"] if before - interval(point["accuracy"])[0] < TOLERABLE]
    seen = [max(interval(_mean_success(row)) for row in point["rows"]) for point in kept or leak["curve"]]
    least = min(seen)
    verdict = "did not hold" if least[1] > floor else "not decidable here"
    which = (
        f"Where accuracy is kept ({len(kept)} of {len(leak['curve'])} strengths)" if kept else "No strength keeps accuracy; at all of them"
    )
    return (
        f"*Class leakage is gone*: **{verdict}**. {which}, the better of two attacks is seen as the class in "
        f"{least[0]:.2f} ({least[1]:.2f} to {least[2]:.2f}) of its images at least; untrained networks reach up to {floor:.2f}."
    )


def _before(own: Mapping[str, Any]) -> float:
    """Return the accuracy of networks that are encrypted next, at the steps of encryption."""
    return float(np.array(_run(own["by_steps"], 0.5, "synthetic")["accuracy"])[:, STEPS.index(THROUGH)].mean())


def _private(own: Mapping[str, Any]) -> str:
    stages = own["membership"]
    best = {stage: max(told["attacks"].items(), key=lambda each: each[0] == told["headline"]) for stage, told in stages.items()}
    name, auc = best["private-snn"]
    verdict = "did not hold" if auc["low"] > 0.5 else "not decidable here"
    teacher, converted = best["ann-teacher"], best["converted-snn"]
    return (
        f"*No data leakage*: **{verdict}** for membership, which the paper does not measure. Headline of private-snn, {name}: {_auc(auc)}; "
        f"of its teacher, {teacher[0]}: {_auc(teacher[1])}; of converted-snn, {converted[0]}: {_auc(converted[1])}."
    )
