"""Is one model nearly another? Answers compared after what all models have in common is taken off.

Each model's answers become normal scores (ranks); what a line in the mean answer of all other models explains, in each class by itself, is
taken off: hard examples, hard classes, overconfidence. What is left of two separate trainings is as good as independent, so the
correlations of all pairs scatter around a common middle with a deviation that the other pairs show. That deviation says how many
independent values there are (1 / deviation^2, at most the examples), and a pair's excess is judged by Student's t for a correlation of so
many, no freer than there are pairs to see the deviation from, corrected for all pairs. A copy with noise, a model that is half another,
and equal models stand far outside; a model trained on the same examples does not, its coins tell.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata
from scipy.stats import t as student

from mia_audit.types import Floats, Ints

FEWEST = 6
"""Models: with fewer there are too few pairs to see how pairs scatter."""

ENOUGH = 20
"""Independent values: models that differ in fewer are much alike by chance."""

LARGE = 0.4
"""Correlation of a model with the mean of itself and another is .7; sound pairs stay below .25 in the records of reports/."""

WHOLE = 0.9999


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """The two models that are most alike, the correlation of what their answers have of their own, and its p over all pairs.

    values: by how many independent values models differ, as the other pairs show
    """

    first: int
    second: int
    correlation: float
    p: float
    values: float

    def copied(self, level: float) -> bool:
        """Say whether one is nearly the other: far beyond other pairs and by a large part, or, where models differ in few ways, wholly."""
        beyond = self.values >= ENOUGH and self.correlation >= LARGE and self.p < level
        return beyond or self.correlation > WHOLE


def nearest(answers: Floats, groups: Ints) -> Nearest | None:
    """Return the most alike pair by one number an example [models, examples]; None where there is nothing to compare.

    groups  [examples], the class of each: what a class has in common is taken off within it
    """
    rest = own_part(answers, groups)
    moves = np.flatnonzero(rest.std(axis=1) > 1e-9)
    if moves.size < FEWEST:
        return None
    alike: Floats = np.asarray(np.corrcoef(rest[moves]))
    rows, columns = np.triu_indices(moves.size, 1)
    pairs = alike[rows, columns]
    best, middle = int(np.argmax(pairs)), float(np.median(pairs))
    scatter = max(float(np.delete(pairs, best).std(ddof=1)), 1 / np.sqrt(answers.shape[1]))
    values = max(3.0, 1 / scatter**2)
    excess = min(1 - 1e-12, max(0.0, float(pairs[best]) - middle))
    p = float(student.sf(excess * np.sqrt((values - 2) / (1 - excess**2)), max(1.0, min(values, pairs.size) - 2)))
    return Nearest(
        first=int(moves[rows[best]]),
        second=int(moves[columns[best]]),
        correlation=float(pairs[best]),
        p=min(1.0, p * pairs.size),
        values=values,
    )


def own_part(answers: Floats, groups: Ints) -> Floats:
    """Return normal scores of answers [models, examples] less a line in the other models' mean, within each group."""
    scores = norm.ppf((rankdata(answers, axis=1) - 0.5) / answers.shape[1])
    others = (scores.sum(axis=0) - scores) / max(1, len(scores) - 1)
    rest = np.zeros(scores.shape)
    for group in np.unique(groups):
        here = groups == group
        y = scores[:, here] - scores[:, here].mean(axis=1, keepdims=True)
        x = others[:, here] - others[:, here].mean(axis=1, keepdims=True)
        along = (x**2).sum(axis=1, keepdims=True)
        rest[:, here] = y - np.divide((x * y).sum(axis=1, keepdims=True), along, out=np.zeros_like(along), where=along > 0) * x
    return rest
