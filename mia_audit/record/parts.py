"""The parts of record.json: what was audited, how each attack did, how well the network works, what the controls said."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of record.json: frozen, strict about keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(Part):
    """A number and its 95 % interval. `value` is None where the data cannot resolve it; `high` is then an upper limit."""

    value: float | None
    low: float
    high: float
    method: str


class RateAtFPR(Part):
    """The true positive rate at one false positive rate."""

    fpr: float
    tpr: Estimate
    expected_false_positives: float


class AttackResult(Part):
    """One attack on the target.

    rehearsal_auc is the mean AUC against the rehearsing shadow models: the headline is chosen by it.
    threshold is the score above which an example is called a member, chosen on the rehearsals.
    """

    name: str
    summary: str
    paper: str
    access: str
    knowledge: tuple[str, ...]
    auc: Estimate
    tpr_at_fpr: tuple[RateAtFPR, ...]
    threshold: float
    balanced_accuracy: Estimate
    advantage: Estimate
    rehearsal_auc: float
    phantom_auc: Estimate
    phantom_p: float
    phantom_p_holm: float


class Utility(Part):
    """How well the target does its task. The gap is train minus test accuracy. Firing rates: spikes per neuron and step.

    commonest  share of the commonest class among the test examples: what naming it always would reach
    """

    train_accuracy: Estimate
    test_accuracy: Estimate
    gap: Estimate
    shadow_test_accuracy_mean: float
    shadow_test_accuracy_sd: float
    firing_rates: dict[str, float]
    commonest: float | None = None

    @property
    def unlearnt(self) -> bool:
        """Whether the test accuracy's interval does not lie above always naming the commonest class; records of before do not say."""
        return self.commonest is not None and self.test_accuracy.low <= self.commonest


class DataFacts(Part):
    """What was audited. sha256 is over the examples and labels as the models saw them."""

    name: str
    title: str
    sha256: str
    kind: Literal["image", "table"]
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    public: bool


class Counts(Part):
    """How many of each."""

    pool: int
    members: int
    audited_members: int
    audited_nonmembers: int
    excluded: int
    population: int
    test: int
    shadows: int
    rehearsals: int


class Engine(Part):
    """What determines the numbers beside the recipe.

    processor  its kind and instructions, as `mia_audit.training.processor` tells them; None in records made before they were kept
    libraries  versions of those that train, as the store's keys have them
    """

    version: str
    device_type: str
    cohort_size: int
    parameters: int
    processor: str | None = None
    libraries: dict[str, str] | None = None


class Control(Part):
    """A control that can fail. `passed` is None when it could not be run."""

    name: str
    passed: bool | None
    detail: str


class Power(Part):
    """The smallest AUC, and TPR at the smallest FPR resolved, told from chance with 80 % power by the verdict's own tests.

    1 where none is. level: of the one-sided test of the AUC; None in older records, which took 5 % and a TPR without correction
    """

    auc: float
    tpr: float
    at_fpr: float
    level: float | None = None
