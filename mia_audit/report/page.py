"""From templates to one HTML file: autoescape is on, and an unknown name in a template is an error."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mia_audit.recipe import Recipe
from mia_audit.recipe.describing import described
from mia_audit.record import verdict
from mia_audit.report import answers, numbers, theme, words

_FILTERS = (
    numbers.decimal,
    numbers.percent,
    numbers.level,
    numbers.value,
    numbers.interval,
    numbers.value_percent,
    numbers.interval_percent,
    numbers.count,
    answers.prior_in_words,
    answers.right_in_words,
    words.access_in_words,
    words.control_in_words,
    words.outcome,
)


def fill(template: str, **content: Any) -> str:
    """Return a page."""
    return environment().get_template(template).render(**content)


def environment() -> Environment:
    """Return the templates with the filters and names that all pages share."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update({function.__name__: function for function in _FILTERS})
    made.globals.update(theme=theme.properties, rate_at=numbers.rate_at, verdict=verdict, tone=words.tone, short=_short, lead=_lead)
    return made


def _short(recipe: Recipe) -> str:
    return described(recipe).short


def _lead(recipe: Recipe) -> str:
    return described(recipe).lead
