"""Own coins turned over change nothing, and an attack that points backwards is named."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mia_audit.attacks import Attack
from mia_audit.attacks.budget import judged
from mia_audit.attacks.cards import load_attacks
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.audit.attacking import scoring
from mia_audit.audit.attacking.measuring import Truth
from mia_audit.audit.attacking.scoring import Scores, attack_all, counted, needed
from mia_audit.audit.bank.prepared import Shown
from mia_audit.audit.controls import rehearsing
from mia_audit.audit.controls.rehearsing import direction_control, own_coins_control
from mia_audit.audit.findings import turns
from mia_audit.audit.findings.headline import Headline
from mia_audit.record import Control
from mia_audit.types import Bools, Evidence, Floats
from tests.support.gaussian import gaussian_evidence

SHADOWS = 14


def other(seen: Evidence) -> Evidence:
    """Return evidence of a model that answers noise."""
    return replace(seen, target=np.random.default_rng(9).normal(size=seen.target.shape))


def audit(attack: Attack) -> tuple[Headline, Evidence, Bools, dict[str, Floats]]:
    """Return an audit of Gaussian models by one attack: its headline, the target's evidence, all rows, and the turns' arrays."""
    seen, member = gaussian_evidence(gap=1.0, examples=300, shadows=SHADOWS, seed=1)
    kept = judged(seen.trained_on, 3)
    seen, member = seen.only(kept), member[kept]
    phantom = other(seen)
    (scores,) = attack_all([attack], seen, phantom, 1)
    rows = np.vstack([member, seen.trained_on[3], seen.trained_on])
    truth = Truth(target=member, rehearsals=rows[2:6], counted=counted([attack], seen.trained_on))
    taking = turns.take_turns(attack, seen, phantom, rows, need=needed([attack]), workers=1)
    taken = {"turns/scores": taking.scores, "turns/judged": taking.judged}
    return Headline(name=attack.name, attack=attack, scores=scores, truth=truth), seen, rows, taken


def judge(attack: Attack) -> Control:
    """Return the control of such an audit."""
    best, seen, rows, taken = audit(attack)
    return own_coins_control(best, Shown(target=seen, phantom=other(seen)), rows, taken, need=needed([attack]))


def test_a_sound_audit_says_the_same_whatever_the_own_coins() -> None:
    """To the bit, rehearsal and turn; without turns the rehearsal alone is repeated."""
    found = judge(OnlineLiRA())
    assert found.passed is True
    assert "rehearsal and turn of shadow model 1" in found.detail
    best, seen, rows, _ = audit(OnlineLiRA())
    assert "In the rehearsal of shadow model 1" in own_coins_control(best, Shown(target=seen, phantom=other(seen)), rows, {}, need=3).detail


def keeps_its_own(self: Evidence, index: int) -> Evidence:
    """Return evidence in which a shadow model takes the target's part and stays among the others, its answers a little moved."""
    pool = self.population
    near = self.shadows.copy()
    near[index] = near[index] + 1e-3
    return replace(self, target=self.shadows[index], shadows=near, population=pool)


def test_turns_that_keep_their_own_answers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attack that sees the model among its own shadow models knows its coins: far above what is true, and the control says so."""
    best, seen, rows, taken = audit(OnlineLiRA())
    sound = np.mean(taken["turns/scores"][2][rows[2]]) - np.mean(taken["turns/scores"][2][~rows[2]])
    monkeypatch.setattr(Evidence, "against_shadow", keeps_its_own)
    best, seen, rows, taken = audit(OnlineLiRA())
    told = np.mean(taken["turns/scores"][2][rows[2]]) - np.mean(taken["turns/scores"][2][~rows[2]])
    assert told > sound
    found = own_coins_control(best, Shown(target=seen, phantom=other(seen)), rows, taken, need=3)
    assert found.passed is False
    assert found.detail == "In the rehearsal and turn of shadow model 1 lira-online hangs on its own coins."


@pytest.mark.parametrize(("room", "part"), [(scoring, "rehearsal"), (turns, "turn")])
def test_examples_chosen_by_the_own_coin_are_told(room: object, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all models together decide what counts, that choice hangs on the coin in question."""

    def all_together(trained_on: Bools, _model: int, need: int) -> Bools:
        return judged(trained_on, need + 3)

    monkeypatch.setattr(room, "judged_by_others", all_together)
    if room is scoring:
        monkeypatch.setattr(rehearsing, "judged_by_others", all_together)
    found = judge(OnlineLiRA())
    assert found.passed is False
    assert f"In the {part} of" in found.detail


@dataclass(frozen=True, kw_only=True)
class Backwards(Attack):
    """LiRA with its sign turned."""

    name = "backwards"
    needs = frozenset({"shadows"})
    shadows_per_side = 2

    def _score(self, seen: Evidence) -> Floats:
        """Return LiRA's score, turned."""
        return -OnlineLiRA().score(seen)


def test_an_attack_that_points_backwards_is_named() -> None:
    """By its rehearsals alone, beside one that does not; scores that are all equal, or noise, are let pass."""
    (card, attack), (other, _) = load_attacks(("lira-online", "loss"))
    best, seen, _, _ = audit(attack)
    turned = attack_all([Backwards()], seen, seen, 1)
    assert direction_control([card], [best.scores], best.truth).passed is True
    found = direction_control([other, card], [best.scores, *turned], best.truth)
    assert found.passed is False
    assert found.detail.startswith("Backwards in rehearsals: lira-online (")
    flat = Scores(target=best.scores.target, phantom=best.scores.phantom, rehearsals=np.zeros(best.scores.rehearsals.shape))
    assert direction_control([card], [flat], best.truth).passed is True


def test_noise_rarely_points_backwards() -> None:
    """Of 100 audits of three attacks that score noise at most one is told."""
    cards = [card for card, _ in load_attacks(("lira-online", "loss", "entropy"))]
    failed = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        rows = rng.random((4, 120)) < 0.5
        scores = [Scores(target=rows[0] * 1.0, phantom=rows[0] * 1.0, rehearsals=rng.normal(size=(4, 120))) for _ in cards]
        failed += direction_control(cards, scores, Truth(target=rows[0], rehearsals=rows)).passed is False
    assert failed <= 1
