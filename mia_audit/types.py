"""The arrays that pass between rooms, and the evidence that an attack may see.

One sign everywhere: a score is one float per example, larger means more likely a member.
One mask everywhere: True means trained on.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mia_audit.errors import EvidenceError

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an attack may see of a target and its shadow models; never the target's membership, never a model.

    target      logits of the target, [queries, examples, classes]
    shadows     logits of the shadow models, [models, queries, examples, classes]
    trained_on  which shadow model was trained on which example, [models, examples]
    labels      true class of each example, [examples]
    """

    target: Floats
    shadows: Floats
    trained_on: Bools
    labels: Ints

    def __post_init__(self) -> None:
        models, examples = self.trained_on.shape
        if self.shadows.shape != (models, *self.target.shape) or self.target.shape[1] != examples:
            raise EvidenceError(
                f"evidence needs target [queries, examples, classes] and shadows [models, queries, examples, classes], "
                f"got {self.target.shape} and {self.shadows.shape} with membership {self.trained_on.shape}"
            )
        if self.labels.shape != (examples,):
            raise EvidenceError(f"evidence needs one label for each of {examples} examples, got {self.labels.shape}")
        if not (np.isfinite(self.target).all() and np.isfinite(self.shadows).all()):
            raise EvidenceError("evidence needs finite logits, got NaN or infinity; the model that gave them did not train")

    @property
    def examples(self) -> int:
        """How many examples are audited."""
        return int(self.labels.size)

    @property
    def classes(self) -> int:
        """How many classes the model tells apart."""
        return int(self.target.shape[-1])

    def only(self, examples: Bools | Ints) -> "Evidence":
        """Return the evidence on some of the examples."""
        return Evidence(
            target=self.target[:, examples],
            shadows=self.shadows[:, :, examples],
            trained_on=self.trained_on[:, examples],
            labels=self.labels[examples],
        )

    def against_shadow(self, index: int) -> "Evidence":
        """Return the evidence with one shadow model as the target and the others as its shadow models."""
        rest = np.arange(len(self.shadows)) != index
        return Evidence(
            target=self.shadows[index],
            shadows=self.shadows[rest],
            trained_on=self.trained_on[rest],
            labels=self.labels,
        )
