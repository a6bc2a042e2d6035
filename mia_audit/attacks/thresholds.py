"""Attacks that need no shadow model: one number per example, and a threshold.

Loss and correctness: Yeom et al., "Privacy Risk in Machine Learning", CSF 2018, arXiv:1709.01604v5 (the gap attack and the
bounded-loss adversary). Confidence and entropy: Salem et al., "ML-Leaks", NDSS 2019, arXiv:1806.01246v2, adversary 3.
Modified entropy: Song and Mittal, "Systematic Evaluation of Privacy Risks of Machine Learning Models", USENIX Security 2021,
arXiv:2003.10595v2. Margin: the hinge loss of Carlini et al., arXiv:2112.03570v2.

Departs from the papers: the score is returned, not a decision at a threshold; several queries are averaged; one threshold
serves all classes; losses and entropies are compared by their logs, which order as they do and never saturate.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mia_audit.attacks import observables
from mia_audit.attacks.attack import Attack
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class Threshold(Attack):
    """A number that is larger for members, read off the target alone.

    of  the number, [examples], from the evidence
    """

    name: str
    needs: frozenset[str]
    of: Callable[[Evidence], Floats]

    def _score(self, seen: Evidence) -> Floats:
        return self.of(seen)


NOTHING: frozenset[str] = frozenset()
"""Logits are always there."""

LOSS = Threshold(
    name="loss", needs=NOTHING, of=lambda seen: -observables.log_over_queries(observables.log_loss(seen.target, seen.labels))
)  # fmt: skip
CONFIDENCE = Threshold(
    name="confidence", needs=NOTHING, of=lambda seen: -observables.log_over_queries(observables.log_confidence_loss(seen.target))
)  # fmt: skip
ENTROPY = Threshold(
    name="entropy", needs=NOTHING, of=lambda seen: -observables.log_over_queries(observables.log_entropy(seen.target))
)  # fmt: skip
MODIFIED_ENTROPY = Threshold(
    name="modified-entropy",
    needs=NOTHING,
    of=lambda seen: -observables.log_over_queries(observables.log_modified_entropy(seen.target, seen.labels)),
)
MARGIN = Threshold(name="margin", needs=NOTHING, of=lambda seen: observables.margin(seen.target, seen.labels).mean(axis=0))
CORRECTNESS = Threshold(name="correctness", needs=NOTHING, of=lambda seen: observables.correct(seen.target, seen.labels).mean(axis=0))
