"""What a record says beyond the table of attacks: the kind of network, examples at risk, slices, probabilities, names, epsilon."""

from typing import Literal

from mia_audit.record.parts import Estimate, Part, RateAtFPR

JOINT_LEVEL = 0.05
"""Of all comparisons on a page together: how often any of them may call two variants apart that are not."""
FEWEST_REPLICATES = 5
"""Replicates that a claim about a variant needs."""


class Kind(Part):
    """The recipe rather than this one network: every model of the population takes its turn as the target of one attack.

    turns     how many models did; auc_sd, auc_least and auc_most tell how they differ
    p         of chance, one-sided, corrected for the mean AUC and the resolved rates
    pairs     non-members over all turns: the pooled rates count (target, example) pairs above one threshold for all targets
    """

    attack: str
    turns: int
    mean_auc: Estimate
    auc_sd: float
    auc_least: float
    auc_most: float
    pairs: int
    tpr_at_fpr: tuple[RateAtFPR, ...]
    p: float | None = None


class Grown(Part):
    """The headline attack with some of the shadow models at hand."""

    shadows: int
    auc: Estimate
    tpr: RateAtFPR


class Growth(Part):
    """What shadow models bought the headline attack on the target, and so what more of them might.

    examples  whom all the counts suffice to judge: every count is measured on them
    points    fewest shadow models first; the last has all of them
    doubling  how much the last doubling added to the AUC, paired
    """

    examples: int
    points: tuple[Grown, ...]
    doubling: Estimate


class Vulnerable(Part):
    """Examples that give themselves away whatever network of the kind is released.

    least_q      the smallest Benjamini-Hochberg q; the p of "no example is at risk" (Simes)
    at_risk      how many have a Benjamini-Hochberg q of at most `rate`; on average that share of them is wrong
    smallest_p   the smallest p that this many models could give any example; above rate / tested nothing can be found
    auc_deciles  of the examples' AUCs, IN against OUT models: least, 10 %, ... 90 %, most
    """

    models: int
    tested: int
    unresolved: int
    rate: float
    at_risk: int
    smallest_p: float
    auc_deciles: tuple[float, ...]
    least_q: float | None = None


class SliceResult(Part):
    """The headline attack on a part of the audited examples; the interval is Bonferroni's over the resolved slices.

    p_alike  of "all resolved parts of this grouping leak alike", the same for each of them; None where fewer than two are resolved
    """

    by: str
    name: str
    members: int
    nonmembers: int
    auc: Estimate | None
    p: float
    p_holm: float
    p_alike: float | None = None

    @staticmethod
    def label(by: str, name: str) -> str:
        """Return how a part is called."""
        return f"{by} {name}"


class CalibrationStep(Part):
    """Examples given a probability of membership between two bounds, and the share of them that were members."""

    low: float
    high: float
    examples: int
    predicted: float
    members: Estimate


class Calibration(Part):
    """The headline attack's scores as probabilities, fitted on rehearsals. A Brier score of `coin` is what guessing has."""

    steps: tuple[CalibrationStep, ...]
    brier: float
    coin: float


class Named(Part):
    """Whom the headline attack names as members so that at most the share `rate` of the names is expected to be wrong."""

    rate: float
    names: int
    right: int


class Precision(Part):
    """How often a name is right where the share `prior` of those asked about are members."""

    prior: float
    right: Estimate


class Strict(Part):
    """A careful attacker: the headline attack above a bar that was set on rehearsals so that it accuses the share `fpr` of non-members.

    The counts are the target's. The intervals of all priors hold jointly, since they come from the same two limits.
    """

    fpr: float
    threshold: float
    true_positives: int
    false_positives: int
    precision: tuple[Precision, ...]


class EpsilonLimit(Part):
    """What one method says of epsilon from below, and whether its assumptions hold here: only then it is a bound."""

    method: str
    epsilon: float | None
    bound: bool
    assumptions: str


class Claimed(Part):
    """A claimed privacy guarantee, what it permits any attack at most, and the p of "the claim holds" given this attack.

    needed      right guesses at the coins from which on p_bound would have refuted the claim; more than were made: none would have
    least_seen  the least epsilon of a training that the best attack would have refuted by them, four times in five; None: however large
    """

    text: str
    most_auc: float
    most_advantage: float
    p: float
    p_bound: float | None
    needed: int | None = None
    least_seen: float | None = None


class Epsilon(Part):
    """How much epsilon the headline attack shows at one delta; every limit errs with at most `level`.

    accused, cleared    shares of the examples that the one-run bound guesses, chosen on rehearsals
    ceiling             what a perfect attack could have shown with this many examples
    mu                  the lower limit of a Gaussian trade-off's mu, from the same counts as its epsilon: an estimate, if that family holds
    guesses, right      how many examples the one-run bound guesses, members and non-members, and how many rightly
    """

    attack: str
    delta: float
    level: float
    threshold: float
    turned: bool
    accused: float
    cleared: float
    limits: tuple[EpsilonLimit, ...]
    ceiling: float
    claimed: Claimed | None
    mu: float | None = None
    guesses: int | None = None
    right: int | None = None


class Look(Part):
    """One number beside the headline's AUC, and its p of chance, corrected for all numbers on the target that were looked at.

    what  the number; of: the attack's name, or the part of the data
    """

    what: Literal["auc", "advantage", "tpr", "guesses", "part"]
    of: str
    p: float
    fpr: float | None = None


class Looks(Part):
    """Whether the target's numbers lie off chance, by redrawing its coins.

    headline_p  one-sided, of the headline's AUC alone
    draws       redraws: no p is below 1 / (draws + 1)
    count       looks beside the headline's AUC; critical: standard deviations at which one of them would have been told
    found       those with a p of at most 5 %
    """

    headline_p: float
    draws: int
    count: int
    critical: float
    found: tuple[Look, ...]


class Beyond(Part):
    """The headline's AUC on the target less its mean AUC on models that never saw the target's coins, over the same coins.

    phantoms    how many; auc: their mean
    difference  with its interval; p: one-sided, of "no more on the target than on them"
    """

    phantoms: int
    auc: float
    difference: Estimate
    p: float


class VariantComparison(Part):
    """Two variants over replicate populations that share their coins: how much more the first leaks than the second.

    accuracy  the common test accuracy at which both frontiers were read; None where they were not matched
    apart     first minus second test accuracy where not matched, mean over replicates
    p         of the paired t test, which takes the differences of replicates for normal; p_holm is corrected over all comparisons
    p_sign    exact, by turning the signs of replicates: no normality, no correction. It cannot fall below p_sign_least
    """

    first: str
    second: str
    measure: str
    replicates: int
    accuracy: float | None
    apart: float
    difference: Estimate
    p: float
    p_holm: float
    p_sign: float
    p_sign_least: float

    @property
    def told_apart(self) -> bool:
        """Whether enough replicates differ by more than chance explains, all comparisons corrected for."""
        return self.replicates >= FEWEST_REPLICATES and self.p_holm < JOINT_LEVEL
