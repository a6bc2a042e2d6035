"""The audit page says what the record says."""

import subprocess
import sys
import tomllib

import numpy as np
import pytest

from mia_audit import report
from mia_audit.record import Estimate, Kind, Record, verdict
from mia_audit.report import pictures
from mia_audit.report.audit_page import ranked
from mia_audit.report.console import summary_table
from mia_audit.report.numbers import decimal, interval, interval_percent, level, percent, value, value_percent
from mia_audit.report.repeat import recipe_toml
from mia_audit.report.words import meaning, not_tested
from tests.support.html import rows, text
from tests.support.records import make_record


def plain(said: str) -> str:
    """Return text as `text` gives it: every kind of space is a space."""
    return " ".join(said.split())


@pytest.fixture(scope="module")
def record() -> Record:
    """Make a record with enough non-members to resolve 1 % FPR."""
    return make_record(pool=2400)


@pytest.fixture(scope="module")
def page(record: Record) -> str:
    """Render that record."""
    return report.render([record])


def test_the_verdict_comes_before_any_number(record: Record, page: str) -> None:
    """A reader who stops after one word knows whether it leaks, and the verdict stands before the numbers."""
    seen = text(page)
    told = seen.index("Does it leak who was in its training data? Yes")
    assert told < seen.index("pairs told rightly") < seen.index(verdict(record.summary)) < seen.index("AUC of the headline attack")


@pytest.mark.parametrize(
    ("changes", "word", "tone"),
    [({}, "Membership leaks", "leak"), ({"leaky": False}, "found no leakage", "calm"), ({"failed_control": True}, "Do not rely", "failed")],
)
def test_each_verdict_has_its_words_and_its_tone(changes: dict[str, bool], word: str, tone: str) -> None:
    """Leaks, none found and not to be trusted look and read differently."""
    record = make_record(**changes)  # type: ignore[arg-type]
    page = report.render([record])
    assert word in verdict(record.summary)
    assert verdict(record.summary) in text(page)
    assert f'class="verdict tone-{tone}"' in page


def test_private_is_never_a_word_of_the_page() -> None:
    """No audit shows that a network is private, so the page never says it."""
    for leaky in (True, False):
        assert "private" not in text(report.render([make_record(leaky=leaky)])).lower()


def test_every_attack_has_its_row_with_every_number(record: Record, page: str) -> None:
    """Each cell of the table of attacks is the record's number, interval or upper limit."""
    table, seen = rows(page), text(page)
    start = next(at for at, row in enumerate(table) if row[0] == "Attack" and row[-1] == "Advantage") + 1
    found = {row[0].split()[0]: row for row in table[start : start + len(record.summary.attacks)]}
    assert set(found) == {attack.name for attack in record.summary.attacks}
    catalogue = seen[seen.index("What each attack does, sees and knows") :]
    for attack in record.summary.attacks:
        row, about = found[attack.name], catalogue[catalogue.index(plain(f"{attack.name} {attack.summary}")) :]
        assert attack.paper in about
        assert f"Attacker sees {attack.access}" in about
        assert all(known in about for known in attack.knowledge)
        assert row[1] == f"{value(attack.auc)} {interval(attack.auc)}"
        expected = [plain(f"{value_percent(rate.tpr)} {interval_percent(rate.tpr)}") for rate in attack.tpr_at_fpr]
        assert row[2:5] == expected
        assert row[5] == plain(f"{value_percent(attack.balanced_accuracy)} {interval_percent(attack.balanced_accuracy)}")
        assert row[6] == f"{value(attack.advantage)} {interval(attack.advantage)}"


def test_the_headline_is_marked_first_and_its_choice_explained(record: Record, page: str) -> None:
    """The headline stands first and the page says that shadow models chose it."""
    table = rows(page)
    above = next(at for at, row in enumerate(table) if row[0] == "Attack" and row[-1] == "Advantage")
    assert table[above + 1][0] == f"{record.summary.headline} headline"
    assert sum("headline" in row[0].split() for row in table if len(row) > 5) == 1
    best = record.summary.strongest
    assert f"largest mean AUC ( {decimal(best.rehearsal_auc)} )".replace("( ", "(").replace(" )", ")") in text(page)


def test_a_rate_that_is_not_resolved_is_an_upper_limit(record: Record, page: str) -> None:
    """Where the record has no value, only "at most" its upper end is shown."""
    rate = record.summary.strongest.tpr_at_fpr[2]
    assert rate.tpr.value is None
    assert plain(f"at most {percent(rate.tpr.high)} not resolved") in text(page)


def test_accuracies_and_firing_rates_are_the_records(record: Record, page: str) -> None:
    """Accuracies carry their intervals; each layer has its rate."""
    seen, utility = text(page), record.summary.utility
    for estimate in (utility.train_accuracy, utility.test_accuracy, utility.gap):
        assert plain(f"{value_percent(estimate)} {interval_percent(estimate)}") in seen
    for layer, rate in utility.firing_rates.items():
        assert [layer, "", decimal(rate, 4)] in rows(page)


def test_an_ann_has_no_firing_rates() -> None:
    """A network without spikes has no section about them."""
    assert "Firing rates" not in text(report.render([make_record(spiking=False)]))


def test_every_control_stands_with_its_outcome_and_detail() -> None:
    """Failed and not run are told apart, in words."""
    record = make_record(failed_control=True)
    table = {row[0]: row for row in rows(report.render([record])) if len(row) == 3}
    for control, outcome in zip(record.summary.controls, ("failed", "not run"), strict=True):
        assert table[control.name][1] == outcome
        assert control.detail in table[control.name][2]


def test_the_power_and_the_counts_are_the_records(record: Record, page: str) -> None:
    """What the audit could have seen is told with its numbers."""
    seen, counts = text(page), record.summary.counts
    assert f"an AUC of {decimal(record.summary.power.auc)} or more" in seen
    assert plain(f"a TPR of {percent(record.summary.power.tpr)} or more") in seen
    assert plain(f"{counts.audited_members:,} members and {counts.audited_nonmembers:,} non-members".replace(",", " ")) in seen


def test_it_can_be_repeated(record: Record, page: str) -> None:
    """Command, id, data and versions stand on the page."""
    seen = text(page)
    assert str(record.run["command"]) in seen
    assert record.id in seen
    assert record.summary.data.sha256 in seen
    for name, version in record.run["versions"].items():
        assert f"{name} {version}" in seen


def test_the_recipe_reads_back_as_toml(record: Record) -> None:
    """The printed recipe is TOML and says all the resolved recipe says."""
    assert tomllib.loads(recipe_toml(record.summary.recipe)) == record.summary.recipe.model_dump(mode="json", exclude_none=True)


def test_a_record_without_run_json_is_drawn_all_the_same() -> None:
    """run.json is a courtesy; its absence is told, not an error."""
    assert "The record does not tell the command" in text(report.render([make_record(run={})]))


@pytest.mark.parametrize("colour", [False, True])
def test_exposed_pictures_tell_who_was_a_member(colour: bool) -> None:
    """Each picture, grey or in colours, says whether it was truly a member."""
    record = make_record(colour=colour)
    page = report.render([record])
    assert page.count('<img src="data:image/png;base64,') == len(record.exposed["positions"])
    assert page.count('<span class="hit">member</span>') == int(record.exposed["member"].sum())
    assert page.count('<span class="miss">not a member</span>') == int((~record.exposed["member"]).sum())


def test_exposed_rows_show_their_features() -> None:
    """Rows of a table are shown by position, truth and features."""
    record = make_record("iris", image=False, classes=("a", "b", "c"), pool=100)
    table = {row[0]: row for row in rows(report.render([record])) if len(row) == 5 and "member" in row[1]}
    for at, position in enumerate(record.exposed["positions"]):
        row = table[str(position)]
        assert row[1] == ("member" if record.exposed["member"][at] else "not a member")
        assert row[4] == ", ".join(f"{number:.4g}" for number in record.exposed["rows"][at])


def test_exposed_examples_stand_by_their_position_as_stored() -> None:
    """The number shown finds the example in the reader's own data; an older record says that it cannot."""
    old = make_record("iris", image=False, classes=("a", "b", "c"), pool=100)
    stored = 1000 + 5 * np.arange(100)
    new = Record(summary=old.summary, arrays={**old.arrays, "pool_positions": stored}, run=old.run, exposed=old.exposed)
    for record, places, said in (
        (old, np.arange(100), "the position in the shuffled pool: this record does not tell positions as stored"),
        (new, stored, "the position in the training part of the data set as stored, counted from 0"),
    ):
        shown = pictures.exposed(record)
        assert [one.position for one in shown] == places[record.exposed["positions"]].tolist()
        page = report.render([record])
        assert said in text(page)
        assert {str(one.position) for one in shown} <= {row[0] for row in rows(page) if row}


def test_without_exposed_examples_the_page_shows_none() -> None:
    """A record of data that are not public gives a page without examples."""
    page = report.render([make_record(exposed=False)])
    assert "<img" not in page
    assert "This page shows no training example" in text(page)


def test_the_same_record_gives_the_same_bytes_in_another_process(record: Record, page: str) -> None:
    """No time, no random id, no order of a set gets onto the page."""
    assert report.render([record]) == page
    code = "from mia_audit.report import render; from tests.support.records import make_record; print(render([make_record(pool=2400)]))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert other.stdout == page + "\n"


def test_the_same_record_twice_is_one_audit(record: Record, page: str) -> None:
    """A record is not compared with itself."""
    assert report.render([record, record]) == page


def test_numbers_are_written_in_one_way() -> None:
    """No negative zero, a true minus, two decimals below one per cent."""
    assert decimal(-0.0001) == "0.000"
    assert decimal(-0.25) == "\N{MINUS SIGN}0.250"
    assert plain(percent(0.0345)) == "3.5 %"
    assert plain(percent(0.00345)) == "0.34 %"


def test_estimates_are_written_with_the_right_end_first() -> None:
    """The functions that the other tests rely on, against literal words."""
    known = Estimate(value=0.71, low=0.685, high=0.7349, method="DeLong")
    limit = Estimate(value=None, low=0.0, high=0.0321, method="bootstrap")
    assert (value(known), interval(known)) == ("0.710", "0.685 to 0.735")
    assert (plain(value_percent(known)), plain(interval_percent(known))) == ("71.0 %", "68.5 to 73.5 %")
    assert (value(limit), interval(limit)) == ("at most 0.032", "not resolved")
    assert (plain(value_percent(limit)), plain(interval_percent(limit))) == ("at most 3.2 %", "not resolved")


def test_the_attacks_stand_in_the_order_of_their_rehearsals(record: Record) -> None:
    """What is chosen on shadow models is ordered by them too, below the headline."""
    means = [attack.rehearsal_auc for attack in ranked(record.summary)]
    assert means == sorted(means, reverse=True)
    assert len(set(means)) == len(means) > 2


def test_exposed_examples_stand_by_score_whatever_their_order_in_the_record() -> None:
    """Position, truth, label and score of an example stay together."""
    record = make_record(leaky=False)
    shuffled = np.random.default_rng(1).permutation(record.exposed["scores"].size)
    mixed = {name: array[shuffled] for name, array in record.exposed.items()}
    shown = pictures.exposed(Record(summary=record.summary, arrays=record.arrays, run={}, exposed=mixed))
    assert [example.score for example in shown] == sorted(mixed["scores"], reverse=True)
    assert [example.rank for example in shown] == list(range(1, len(shown) + 1))
    assert len({example.member for example in shown}) == 2
    for example in shown:
        assert example.member == record.arrays["membership"][0][example.position]
        assert example.label == str(record.arrays["labels"][example.position])


def test_the_auc_is_told_in_times_out_of_a_hundred(record: Record, page: str) -> None:
    """0.77 is 77 times out of 100."""
    auc = record.summary.strongest.auc.value
    assert auc is not None
    assert f"points at the member {round(100 * auc)} times out of 100" in text(page)


def test_what_was_not_tested_is_not_what_was(record: Record) -> None:
    """An audit of the kind does not say that it was not one, nor does one with attackers who guess wrong say that none did."""
    summary = record.summary
    turned = Kind(attack="loss", turns=9, mean_auc=summary.strongest.auc, auc_sd=0.01, auc_least=0.5, auc_most=0.6, pairs=90, tpr_at_fpr=())
    wrong = summary.strongest.model_copy(update={"name": "lira-other-bits"})
    plainly = " ".join(not_tested(summary.model_copy(update={"kind": None})))
    told = " ".join(not_tested(summary.model_copy(update={"kind": turned, "attacks": (*summary.attacks, wrong)})))
    assert "this is one network, not its kind" in plainly
    assert "guess the recipe wrong" in plainly
    assert "kind" not in told
    assert "guess the recipe wrong" not in told


def test_a_rate_that_nobody_chose_is_rounded() -> None:
    """Ten false positives among 722 non-members are 1.39 %; chosen rates keep their digits."""
    assert [plain(level(fpr)) for fpr in (10 / 722, 0.1, 0.01, 0.001)] == ["1.39 %", "10 %", "1 %", "0.1 %"]


def test_a_limit_is_said_of_the_data_not_of_the_attack() -> None:
    """Where the rate is not resolved, the page does not say what the attack recognises."""
    summary = make_record(pool=400).summary
    assert summary.leaks
    said = " ".join(meaning(summary))
    assert "these data cannot tell" in said
    assert "recognises at most" not in said
    assert "recognises at most" not in text(report.render([make_record(pool=400)]))
    resolved = " ".join(meaning(make_record(pool=2400).summary))
    assert "wrongly, it recognises" in resolved


@pytest.mark.parametrize(
    ("leaky", "train", "said"),
    [(False, 0.1, "What was not learnt cannot leak"), (False, 0.9, "says nothing of a network that works"), (True, 0.9, "all the same")],
)
def test_a_network_that_learnt_nothing_is_called_so_beside_the_verdict(leaky: bool, train: float, said: str) -> None:
    """On the page and in the terminal; what is not learnt cannot leak, unless the examples were learnt by heart."""
    made = make_record(leaky=leaky)
    low = Estimate(value=0.12, low=0.09, high=0.17, method="")
    utility = made.summary.utility.model_copy(
        update={"commonest": 0.114, "test_accuracy": low, "train_accuracy": low.model_copy(update={"value": train, "low": train - 0.05})}
    )
    learnt = utility.model_copy(update={"test_accuracy": low.model_copy(update={"low": 0.12})})
    for told, here in ((utility, True), (learnt, False)):
        record = Record(summary=made.summary.model_copy(update={"utility": told, "warnings": ("Mind this.",)}), arrays=made.arrays, run={})
        _, lines = summary_table(record)
        for seen in (text(report.render([record])), " ".join(lines)):
            assert ("not shown to have learnt its task" in seen) == (said in seen) == here
            assert "Mind this." in seen
        assert lines[0] == verdict(record.summary)
