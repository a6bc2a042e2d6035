"""The comparison page: which targets are joined, which are told apart, and what is never mixed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mia_audit import report
from mia_audit.audit.comparing.variants import compare, variant
from mia_audit.catalogue import override
from mia_audit.recipe import Bits, Recipe, Training
from mia_audit.record import Estimate, Record, Summary
from mia_audit.record.compared import leak_among
from mia_audit.report import comparison_page
from mia_audit.report.comparison_figures import Point
from mia_audit.report.numbers import interval, interval_percent, percent, value, value_percent
from mia_audit.report.variants import Line, groups
from tests.support.html import rows, tags, text
from tests.support.records import make_record
from tests.support.sketches import SKETCHES


def bits(*widths: Bits, spiking: bool = True, surrogate: str = "sre") -> list[Record]:
    """Return targets that differ in bits."""
    return [
        make_record(
            f"{'snn' if spiking else 'ann'}-q{width}", weight_bits=width, activation_bits=width, spiking=spiking, surrogate=surrogate
        )
        for width in widths
    ]


def joined(records: Sequence[Record]) -> set[tuple[str, tuple[int, ...]]]:
    """Return each line as the thing that varies and the numbers it runs through."""
    return {named(line) for group in groups(records) for line in group.lines}


def named(line: Line) -> tuple[str, tuple[int, ...]]:
    """Return a line as its thing and its numbers."""
    return line.thing, tuple(target.number for target in line.targets)


def test_a_line_runs_through_bits_from_full_to_few() -> None:
    """Lines follow the order of the bits, not of the arguments."""
    assert joined(bits(2, 32, 4)) == {("bits", (2, 3, 1))}


def test_an_ann_and_a_spiking_network_are_never_joined() -> None:
    """They differ in neuron, steps and readout: more than one thing."""
    assert joined([*bits(4), *bits(4, spiking=False)]) == set()
    assert joined([*bits(4, 8), *bits(4, 8, spiking=False)]) == {("bits", (2, 1)), ("bits", (4, 3))}


def test_a_surrogate_is_another_thing() -> None:
    """A target can lie on a line of bits and on one of surrogates."""
    records = [*bits(8, 4), *bits(4, surrogate="atan")]
    lines = joined(records)
    assert ("bits", (1, 2)) in lines
    assert {(thing, frozenset(numbers)) for thing, numbers in lines} == {("bits", frozenset({1, 2})), ("surrogate", frozenset({2, 3}))}


def test_two_differences_make_no_line() -> None:
    """Bits and surrogate both differ: nothing can be read off a line."""
    assert joined([*bits(8), *bits(4, surrogate="atan")]) == set()


def test_seeds_are_repetitions_not_a_line() -> None:
    """Two seeds of one recipe are the same variant."""
    assert joined([make_record(training_seed=0), make_record(training_seed=1)]) == set()


def test_weights_and_activations_are_one_thing() -> None:
    """Bits are one thing, whichever of them differ."""
    mixed = [make_record(weight_bits=8, activation_bits=8), make_record(weight_bits=4, activation_bits=32)]
    assert joined(mixed) == {("bits", (1, 2))}


def test_data_sets_are_grouped_and_never_mixed() -> None:
    """Each data set has a section and figures of its own; numbers run on."""
    records = [make_record("one"), make_record("two", dataset="iris", seed=1), make_record("three", seed=2)]
    found = groups(records)
    assert [[target.number for target in group.targets] for group in found] == [[1, 3], [2]]
    page = report.render(records)
    assert "Privacy against accuracy: Synthetic digits" in text(page)
    assert "Privacy against accuracy: Synthetic iris" in text(page)
    assert sum(attributes.get("class") == "drawing" for tag, attributes in tags(page) if tag == "svg") == 4


def test_the_common_attack_is_chosen_on_shadow_models() -> None:
    """Of the attacks run on all, the one that rehearsed best is plotted and named."""
    records = [make_record("one", sketches=SKETCHES), make_record("two", sketches=SKETCHES[:3], seed=1)]
    group = groups(records)[0]
    common = [sketch.name for sketch in SKETCHES[:3]]
    means = {name: sum(target.attack(name).rehearsal_auc for target in group.targets) for name in common}
    assert group.attack == max(means, key=means.__getitem__)
    assert f"AUC of {group.attack}" in report.render(records)


def test_without_a_common_attack_nothing_is_plotted() -> None:
    """Different attacks do not share an axis."""
    page = report.render([make_record("one", sketches=SKETCHES[:1]), make_record("two", sketches=SKETCHES[1:2])])
    assert "No attack was run on all of these targets" in text(page)
    assert 'class="drawing"' not in page


def test_networks_are_told_apart_by_a_test_on_the_same_examples() -> None:
    """Pair by pair, corrected; intervals that do not overlap tell nothing where the examples are others."""
    records = [make_record("weak", strength=0.3), make_record("strong", strength=1.5), nearly(make_record("twin", strength=0.3))]
    elsewhere = make_record("elsewhere", strength=3.0, seed=1)
    page = text(report.render([*records, elsewhere], compare([*records, elsewhere])))
    assert "Network 2 leaks more than network 1." in page
    assert "Network 2 leaks more than network 3." in page
    assert "Networks 1 and 3 are not told apart." in page
    assert "etwork 4" not in page
    assert "leaks less" not in page


def nearly(record: Record) -> Record:
    """Return a record whose scores came out a little differently."""
    rng = np.random.default_rng(0)
    arrays = {name: values + 0.3 * rng.normal(size=values.shape) if "scores/" in name else values for name, values in record.arrays.items()}
    return replace(record, arrays=arrays)


def test_without_a_comparison_nothing_is_ranked() -> None:
    """Records that are only drawn, or whose coins differ, are ranked by no overlap of intervals."""
    records = [make_record("weak", strength=0.1), make_record("strong", strength=3.0, weight_bits=8, seed=1)]
    for page in (report.render(records), report.render(records, compare(records))):
        assert "leaks more" not in text(page)
        assert "leaks less" not in text(page)
    assert "drawn without a comparison" in text(report.render(records))
    assert "they share no replicates. Two replicates give an interval" in text(report.render(records, compare(records)))


def test_a_failed_audit_tells_nothing_apart() -> None:
    """A failed control takes the target out of every comparison, and the page says so."""
    records = [make_record("weak", leaky=False, failed_control=True), make_record("strong", strength=2.0)]
    found = compare(records)
    assert (found.networks, found.variants) == ((), ())
    page = text(report.render(records, found))
    assert "1 record failed a control and is compared with nothing." in page
    assert "1 audit failed a control and cannot be relied on" in page


def test_the_page_says_that_one_population_ranks_nothing() -> None:
    """The sentence on variants (docs/method.md, rule 6) stands above the plots."""
    assert "One population per variant cannot rank the variants" in text(report.render(bits(8, 4)))


def test_every_number_of_the_table_is_the_records() -> None:
    """Resolved or not, each cell is the record's."""
    records = [make_record("one", pool=2400), make_record("two", seed=1)]
    page = report.render(records)
    attack = groups(records)[0].attack
    table = [row for row in rows(page) if len(row) == 7 and row[6] in {"none failed", "failed"}]
    assert len(table) == 2
    for row, record in zip(table, records, strict=True):
        summary = record.summary
        shown = next(result for result in summary.attacks if result.name == attack)
        rate = next(rate for rate in shown.tpr_at_fpr if rate.fpr == 0.01)
        test = summary.utility.test_accuracy
        assert summary.recipe.name in row[0]
        assert row[1] == " ".join(f"{value_percent(test)} {interval_percent(test)}".split())
        assert row[2] == f"{value(shown.auc)} {interval(shown.auc)}"
        assert row[3] == " ".join(f"{value_percent(rate.tpr)} {interval_percent(rate.tpr)}".split())
        assert row[4] == f"{value(summary.strongest.auc)} {summary.headline}"
        assert record.id in text(page)
    assert " ".join(f"at most {percent(rate.tpr.high)}".split()) in text(page)


def test_targets_of_one_name_are_told_apart_in_words() -> None:
    """Surrogates and seeds have names; only records of equal recipes are told apart by their ids."""
    records = [make_record(surrogate="sre"), make_record(surrogate="atan", seed=1), make_record(surrogate="atan", training_seed=3, seed=2)]
    labels = [target.label for target in groups(records)[0].targets]
    assert "surrogate sre" in labels[0]
    assert "surrogate atan" in labels[1]
    assert labels[1].endswith("training.seed = 0)")
    assert labels[2].endswith("training.seed = 3)")
    assert not any(record.id[:8] in label for record, label in zip(records, labels, strict=True))
    again = [make_record(), make_record(seed=1)]
    assert [target.label.endswith(record.id[:8]) for record, target in zip(again, groups(again)[0].targets, strict=True)] == [True, True]


def test_a_line_joins_only_what_differs_in_one_thing() -> None:
    """Whatever field it is: optimizer, norm, dropout, width and queries part targets as bits do; words and what only watches do not."""
    full, few = make_record(weight_bits=32, activation_bits=32), make_record()
    assert joined([full, few]) == {("bits", (1, 2))}
    for changes in (
        {"training.optimizer": "sgd"}, {"training.schedule": "cosine"}, {"model.norm": "batch"}, {"model.dropout": 0.3},
        {"model.width": 2.0}, {"model.quantization.membrane_bits": 4}, {"audit.queries": 2}, {"training.seed": 1}, {"audit.shadows": 16},
        {"data.augment": ["flip"]},
    ):  # fmt: skip
        assert joined([full, changed(few, changes)]) == set(), changes
    for changes in ({"summary": "other"}, {"training.checkpoints": [3]}, {"audit.attacks": ["loss"]}, {"training.stop_from": "x"}):
        assert joined([full, changed(few, changes)]) == {("bits", (1, 2))}, changes
    assert joined([few, changed(few, {"model.dropout": 0.3})]) == {("dropout", (1, 2))}
    assert joined([few, changed(few, {"audit.shadows": 16})]) == set()


def test_a_field_that_does_not_exist_yet_breaks_lines_and_parts_variants() -> None:
    """Nobody has said of it that it does not matter."""

    class Later(Training):
        warmth: int = 0

    class Longer(Recipe):
        training: Later = Later()

    def warm(record: Record, warmth: int) -> Record:
        content = record.summary.recipe.model_dump(mode="json")
        content["training"]["warmth"] = warmth
        longer = Longer.model_validate_json(json.dumps(content))
        return replace(record, summary=record.summary.model_copy(update={"recipe": longer}))

    full, few = make_record(weight_bits=32, activation_bits=32), make_record()
    assert joined([warm(full, 1), warm(few, 1)]) == {("bits", (1, 2))}
    assert joined([warm(full, 1), warm(few, 2)]) == set()
    assert joined([warm(few, 1), warm(few, 2)]) == {("warmth", (1, 2))}
    assert variant(warm(few, 1)) != variant(warm(few, 2))


def changed(record: Record, changes: dict[str, Any]) -> Record:
    """Return a record whose recipe differs in some settings."""
    recipe = override(record.summary.recipe, changes)
    return replace(record, summary=record.summary.model_copy(update={"recipe": recipe}))


def test_unequal_effort_is_said() -> None:
    """More shadow models see more; the page warns when they differ."""
    assert "different numbers of shadow models" in text(report.render([make_record(shadows=8), make_record(shadows=16, seed=1)]))
    assert "different numbers of shadow models" not in text(report.render(bits(8, 4)))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((4, 4, 0, 0), "Membership leaks from 4 of 4 targets to the attacks run here."),
        ((4, 1, 0, 0), "Membership leaks from 1 of 4 targets to the attacks run here; from 3 they found no leakage."),
        (
            (4, 1, 2, 0),
            (
                "Membership leaks from 1 of 4 targets to the attacks run here; of 2 the audit by itself says that something is off chance, "
                "which is not enough among 4 audits; from 1 they found no leakage."
            ),
        ),
        ((4, 1, 0, 3), "Membership leaks from 1 of 4 targets to the attacks run here; 3 audits failed a control and cannot be relied on."),
    ],
)
def test_the_finding_counts_every_audit_once(numbers: tuple[int, int, int, int], said: str) -> None:
    """Leaking, silent and failed audits add up."""
    assert comparison_page.finding(*numbers) == said


def test_the_finding_is_at_one_level_for_all_audits() -> None:
    """An AUC that is above chance by itself, just so, is not counted among forty; one far above is. At most 5 % of such pages err."""
    best = make_record().summary.strongest.auc
    summary = make_record().summary

    def told(value: float, low: float) -> Summary:
        auc = best.model_copy(update={"value": value, "low": low, "high": 2 * value - low})
        attacks = tuple(one.model_copy(update={"auc": auc}) if one.name == summary.headline else one for one in summary.attacks)
        return summary.model_copy(update={"attacks": attacks})

    assert leak_among([told(0.601, 0.501)]) == (True,)
    assert leak_among([told(0.601, 0.501)] * 2) == (False, False)
    assert leak_among([told(0.7, 0.6), *[told(0.601, 0.501)] * 39]) == (True, *[False] * 39)
    draws = 0.5 + 0.01 * np.random.default_rng(0).normal(size=(400, 10))
    wrong = np.mean([any(leak_among([told(value, value - 0.0196) for value in page])) for page in draws])
    assert 0 < wrong < 0.05


def test_the_same_records_give_the_same_bytes() -> None:
    """The comparison is deterministic."""
    records = bits(32, 4)
    assert report.render(records) == report.render(records)


def test_an_upper_limit_stands_at_its_upper_end() -> None:
    """A rate that is not resolved is drawn where it may be at most, any other where it is."""
    target = groups([make_record()])[0].targets[0]
    accuracy = Estimate(value=0.9, low=0.8, high=0.95, method="")
    for leak, height in ((Estimate(value=None, low=0, high=0.2, method=""), 0.2), (Estimate(value=0.1, low=0, high=0.2, method=""), 0.1)):
        assert Point(target=target, accuracy=accuracy, leak=leak).place == (0.9, height)
