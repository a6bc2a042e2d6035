"""Boosted trees on an example's features, fitted on shadow models: one set of trees for all classes.

As the classifiers of Shokri et al., "Membership Inference Attacks Against Machine Learning Models", IEEE S&P 2017, arXiv:1610.05820v2.
An attack is a row: what it needs, and which features; the rows stand beside their papers, in `checkpoints`, `steps`, `gradients`,
`releases` and `shadow_features`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.learning import Draw, boosted, fitted_scores
from mia_audit.attacks.ranges import Count, Rows
from mia_audit.attacks.signal_lira import Values
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class ShadowTrees(Attack):
    """The log odds of membership by trees.

    of     the features: target [examples, features] and shadow models [models, examples, features], from the evidence
    rows   most rows the trees are fitted on, drawn at random
    trees  how many; each has at most eight leaves
    seed   of the draw
    """

    shadows_per_side = 1
    name: str
    needs: frozenset[str]
    of: Callable[[Evidence], Values]
    rows: Rows = 20_000
    trees: Count = 50
    seed: int = 0

    def _score(self, seen: Evidence) -> Floats:
        target, shadow = self.of(seen)
        return fitted_scores(boosted(self.trees, self.seed), shadow, seen.trained_on, target, Draw(self.rows, self.seed))
