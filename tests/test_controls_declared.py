"""Every control is declared in one place, with its explanation and its level."""

import ast
from pathlib import Path

import mia_audit
from mia_audit.record import POWER_CONTROL, Control
from mia_audit.record.controls import CONTROLS, DOSE, why
from mia_audit.report.words import control_in_words

HOUSE = Path(mia_audit.__file__).parent


def test_every_control_is_made_by_its_declaration() -> None:
    """Nothing in the package but the declaration calls the record's Control, so that no control lacks an explanation."""
    made = {
        path.relative_to(HOUSE).as_posix()
        for path in HOUSE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Control"
    }
    assert made == {"record/controls.py"}


def test_names_differ_and_every_one_is_explained() -> None:
    """A sentence that ends, for each; a name that nobody declared has none."""
    assert len({one.name for one in CONTROLS}) == len(CONTROLS)
    for one in CONTROLS:
        told = one.told(True, "detail")
        assert (told.name, told.passed, told.detail) == (one.name, True, "detail")
        assert control_in_words(told) == one.why == why(one.name)
        assert one.why.endswith(".")
        assert len(one.why) > 40
    assert control_in_words(Control(name="phantom", passed=True, detail="")) == ""
    assert DOSE.name == POWER_CONTROL


def test_sound_audits_alarm_in_less_than_three_of_a_hundred() -> None:
    """The levels of all controls but that of power, which undoes no finding, add up to less than 3 %."""
    assert 0 < sum(one.level for one in CONTROLS if one is not DOSE) < 0.03
