"""Which attacks an audit runs: a suite leaves out what cannot be had, and says so; a name that was asked for is refused instead."""

from pathlib import Path

import pytest

from mia_audit.attacks.cards import load_suite
from mia_audit.audit.attacking.choosing import choose, offers
from mia_audit.audit.request.options import Options, describe
from mia_audit.errors import CatalogueError
from tests.support.engine_runs import SMALL, small_audit

BARE = frozenset({"shadows", "features"})


def test_a_suite_leaves_out_by_name_what_it_cannot_have() -> None:
    """Everything else runs, and a sentence names what does not and why."""
    chosen = choose(["full"], BARE)
    names = {card.name for card in chosen.cards}
    assert {"lira-online", "loss"} <= names
    assert names.isdisjoint({"rmia-online", "attack-p", "lira-queries"})
    assert any("lack of population:" in said and "attack-p" in said and "rmia-online" in said for said in chosen.left_out)
    left = {name for said in chosen.left_out for name in said.partition(": ")[2].rstrip(".").split(", ")}
    assert names | left == set(load_suite("full").attacks)
    assert [attack.name for attack in chosen.attacks] == [card.name for card in chosen.cards]


def test_nothing_is_left_out_of_what_can_run() -> None:
    """With population data and no more, quick is whole."""
    assert choose(["quick"], BARE | {"population"}).left_out == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["rmia-online"], r"attack rmia-online needs population, which this target does not offer; use a --set data.population=\.\.\."),
        (["quick", "lira-queries"], "attack lira-queries needs queries, .*--set audit.queries=8"),
    ],
)
def test_an_attack_asked_for_by_name_is_refused(names: list[str], message: str) -> None:
    """The user wants it, so its absence is no detail."""
    with pytest.raises(CatalogueError, match=message):
        choose(names, BARE)


def test_the_recipe_says_what_there_will_be() -> None:
    """Population data, more than one query."""
    recipe = describe("ann", Options(dataset="iris"))
    assert "population" in offers(recipe)
    assert "queries" not in offers(recipe)
    bare = describe("ann", Options(dataset="iris", settings={"data.population": 0, "audit.queries": 3}))
    assert "population" not in offers(bare)
    assert "queries" in offers(bare)


def test_an_audit_without_a_third_pool_runs_and_says_what_is_missing(tmp_path: Path) -> None:
    """An empty population is no error: the attacks that need one are named in the record's warnings."""
    record = small_audit(tmp_path, attacks="quick", settings={**SMALL, "data.population": 0})
    assert "rmia-online" not in {attack.name for attack in record.summary.attacks}
    assert "Left out for lack of population: rmia-online." in record.summary.warnings
