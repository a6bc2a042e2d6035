"""Cards and suites: one card an attack class, and messages that say the nearest name."""

import re
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from mia_audit.attacks import ATTACKS
from mia_audit.attacks.budget import JUDGED_AT_LEAST
from mia_audit.attacks.cards import asked_by_name, build, load_attacks, load_card, load_suite, parameters, renamed
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.catalogue import card_names, families, folder, suite_names
from mia_audit.errors import CatalogueError, RecipeError


def copied(path: Path, old: str, new: str) -> str:
    """Write the LiRA card with one text replaced, and return its path."""
    text = (folder("attacks") / "lira-online.toml").read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return str(path)


def test_cards_and_attack_classes_pair_off() -> None:
    """Each attack class has exactly one card, of its name; each card an attack class."""
    assert sorted(attack.name for attack in ATTACKS.values()) == list(card_names())
    assert sorted(load_card(name).class_name for name in card_names()) == sorted(ATTACKS)
    for name in card_names():
        assert build(load_card(name)).name == load_card(name).name == name


@pytest.mark.parametrize("name", card_names())
def test_a_card_lists_every_parameter_at_its_default(name: str) -> None:
    """What a user copies shows all there is to change, and changes nothing by itself."""
    card = load_card(name)
    attack = build(card)
    assert is_dataclass(attack)
    assert attack == ATTACKS[card.class_name]
    assert list(card.parameters) == list(parameters(attack))


@pytest.mark.parametrize("name", card_names())
def test_a_card_names_paper_version_attacker_and_cost(name: str) -> None:
    """A card cites an arXiv number with its version; an attack with shadow models says that it needs the recipe and what it costs."""
    card = load_card(name)
    assert re.search(r"arXiv:\d{4}\.\d{5}v\d", card.paper)
    attack = build(card)
    needs_shadows = "shadows" in attack.needs
    assert ("the data distribution" in card.knowledge) == needs_shadows
    assert card.cost.startswith("shadow models" if needs_shadows else "one pass")
    assert ("an outside population" in card.cost) == ("population" in attack.needs)
    assert attack.shadows_per_side == 0 or f"{attack.shadows_per_side} with and" in card.cost


def test_suites_name_cards() -> None:
    """Every suite loads; `full` is every card, `quick` the thresholds, RMIA and two of LiRA, and none is named as a card is."""
    assert set(suite_names()) == {"quick", "thresholds", "shokri", "full", "label-only", "spiking"}
    assert {load_card(name).access for name in load_suite("label-only").attacks} == {"labels"}
    assert sorted(load_suite("full").attacks) == list(card_names())
    assert load_suite("quick").attacks == (*load_suite("thresholds").attacks, "rmia-online", "lira-online", "lira-shared-gap")
    assert {card.name for card, _ in load_attacks(["shokri"])} == {
        "loss",
        "correctness",
        "shadow-svm",
        "shadow-logistic",
        "shadow-boosting",
    }
    assert not any(build(load_card(name)).needs for name in load_suite("thresholds").attacks)
    assert not set(suite_names()) & set(card_names())
    assert JUDGED_AT_LEAST == 0.9


def test_a_card_names_suites_that_there_are() -> None:
    """And a suite's former name stands for it, with a hint; only one suite has every card."""
    assert {suite for name in card_names() for suite in load_card(name).suites} == set(suite_names()) - {"full"}
    assert load_attacks(["seed"]) == load_attacks(["shokri"])
    assert asked_by_name(["seed", "loss"]) == {"loss"}
    assert renamed(["quick", "seed"]) == ("the suite seed is called shokri now",)
    assert [name for name in suite_names() if load_suite(name).every] == ["full"]


def test_names_mix_and_repeat() -> None:
    """Suites, cards and paths go together; what is named twice runs once, in the order named."""
    path = str(folder("attacks") / "loss.toml")
    assert [card.name for card, _ in load_attacks(["lira-online", path, "thresholds", "loss"])][:3] == ["lira-online", "loss", "confidence"]
    assert len(load_attacks(["full", "quick", path])) == len(ATTACKS)


def test_a_copied_card_runs_with_its_own_parameters(tmp_path: Path) -> None:
    """A user copies a card, changes name and parameters, and gives its path."""
    path = copied(tmp_path / "mine.toml", 'name = "lira-online"', 'name = "lira-mine"')
    Path(path).write_text(Path(path).read_text(encoding="utf-8").replace("pool_variance = true", "pool_variance = false"), encoding="utf-8")
    ((card, attack),) = load_attacks([path])
    assert (card.name, attack) == ("lira-mine", OnlineLiRA(pool_variance=False))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lira-onlin", "unknown attack 'lira-onlin'; did you mean 'lira-online'"),
        ("quik", "unknown attack 'quik'; did you mean 'quick'"),
        ("no/such.toml", "no/such.toml: no such card; `mia-audit list attacks`"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(name: str, message: str) -> None:
    """A typo in a card, a suite or a path says what was meant."""
    with pytest.raises(CatalogueError, match=message):
        load_attacks(["quick", name])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pool_variance", "pool_varianc", r"\[parameters\]: unknown key 'pool_varianc'; did you mean 'pool_variance'"),
        ("sigma_floor = 0.1", 'sigma_floor = "low"', r"\[parameters\]: 'sigma_floor': .*got 'low'"),
        ("sigma_floor = 0.1", "sigma_floor = 7", "sigma_floor needs 0 to 1, got 7"),
        ("summary", "sumary", "mine.toml: "),
        ('access = "probabilities"', 'access = "everything"', "mine.toml: 'access': .*got 'everything'"),
        ('name = "lira-online"', 'name = "LiRA online"', "mine.toml: 'name'"),
    ],
)
def test_a_broken_card_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Unknown keys and values of the wrong kind name the key and the value."""
    with pytest.raises(RecipeError, match=message) as caught:
        load_attacks([copied(tmp_path / "mine.toml", old, new)])
    assert "\n" not in str(caught.value)


def test_an_attack_without_parameters_says_so(tmp_path: Path) -> None:
    """The loss threshold has nothing to choose."""
    path = tmp_path / "mine.toml"
    path.write_text((folder("attacks") / "loss.toml").read_text(encoding="utf-8") + "\n[parameters]\ncut = 1\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="unknown key 'cut'; this attack has none"):
        load_attacks([str(path)])


def test_an_unknown_class_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """A card may only name a class of the registry; nothing is imported by name."""
    with pytest.raises(CatalogueError, match="unknown attack class 'OnlineLira'; did you mean 'OnlineLiRA'"):
        load_attacks([copied(tmp_path / "mine.toml", "OnlineLiRA", "OnlineLira")])


def test_two_cards_of_one_name_are_refused(tmp_path: Path) -> None:
    """A changed copy must have a name of its own, or the record could not tell them apart."""
    path = copied(tmp_path / "mine.toml", "sigma_floor = 0.1", "sigma_floor = 0.3")
    with pytest.raises(RecipeError, match="another card of this audit is named 'lira-online' too"):
        load_attacks(["quick", path])


def test_no_attack_is_refused() -> None:
    """An audit without attacks would find nothing and say so proudly."""
    with pytest.raises(CatalogueError, match="an audit needs an attack or a suite, got none; suites: quick"):
        load_attacks([])


@pytest.mark.parametrize("name", card_names())
def test_a_summary_stands_by_itself(name: str) -> None:
    """The report orders attacks by strength, so that "the same" would speak of whichever attack stands above."""
    assert not load_card(name).summary.lower().startswith("the same")


@pytest.mark.parametrize(
    ("need", "words"),
    [
        ("population", "examples of the same distribution that are no members"),
        ("trajectory", "checkpoint"),
        ("time-sweep", "numbers of steps"),
    ],
)
def test_what_an_attack_needs_beside_the_target_is_among_what_its_card_says_is_known(need: str, words: str) -> None:
    """An outside population, the checkpoints of the training, or other numbers of steps are no small thing to have."""
    for card, attack in load_attacks(("full",)):
        if need in attack.needs:
            assert any(words in known for known in card.knowledge), card.name


def test_a_family_stands_for_its_attacks() -> None:
    """A first word that several attacks share runs them all, each once, and counts as no name of its own; the catalogue's names differ."""
    members = families()["lira"]
    assert members == tuple(name for name in card_names() if name.startswith("lira-"))
    assert [card.name for card, _ in load_attacks(["lira-online", "lira"])] == ["lira-online", *(m for m in members if m != "lira-online")]
    assert asked_by_name(["lira", "loss"]) == {"loss"}
    assert all(len(names) > 1 for names in families().values())
    assert set(families()).isdisjoint({*card_names(), *suite_names()})
