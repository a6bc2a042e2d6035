"""What the page says in plain words: sentences that follow from a record, and texts that stand in every report."""

from mia_audit.record import Control, Estimate, Record, Summary
from mia_audit.record.controls import why
from mia_audit.report import sharing
from mia_audit.report.numbers import count, decimal, level, percent, rate_at

ACCESS = {
    "label": "only the predicted class",
    "probabilit": "the probability of each class",
    "logit": "the raw outputs (logits) of the last layer",
    "internal": "what happens inside the network",
    "membrane": "what happens inside the network",
    "gradient": "gradients of the loss",
}
GLOSSARY: tuple[tuple[str, str], ...] = (
    ("Member", "An example that the network under audit was trained on. A non-member comes from the same pool but was left out by a coin."),
    ("Membership inference", "Finding out from a network's answers whether an example was among its training data."),
    ("Score", "An attack's number for one example; larger means more likely a member."),
    ("True positive rate (TPR)", "The share of members that an attack recognises as members."),
    ("False positive rate (FPR)", "The share of non-members that an attack wrongly calls members: its false accusations."),
    ("ROC curve", "TPR against FPR for every possible threshold. The diagonal is a coin; the further above it, the more leaks."),
    ("AUC", "The area under the ROC curve: how often a member scores above a non-member. 0.5 is a coin, 1 is perfect."),
    ("Balanced accuracy", "The mean of the shares of members and of non-members called rightly, at a threshold fixed beforehand."),
    ("Advantage", "TPR minus FPR at that threshold: 0 is a coin, 1 is perfect."),
    ("95 % interval", "The range of values that agree with the data; made this way, 95 of 100 such ranges hold the true value."),
    ("Shadow model", "A network built like the target on other coins, whose members are known; attacks learn from it."),
    ("Rehearsal", "A shadow model takes the target's part. Thresholds and the headline attack are chosen there, never on the target."),
    ("Phantom target", "A network audited against a membership it was not trained on: whatever is found there is a fault."),
    ("Spiking network", "A network whose neurons send pulses over several time steps; the firing rate is pulses per neuron and step."),
    ("Surrogate", "The smooth stand-in for the derivative of a spike, without which a spiking network cannot be trained."),
    (
        "Quantization",
        "Storing weights or activations with few bits; 32 bits is full precision, 2-bit weights are -1, 0 or 1 times a scale.",
    ),
)
NOT_TESTED: tuple[tuple[str, str], ...] = (
    ("label", "attackers who see only the predicted class"),
    ("logit", "attackers who see raw outputs"),
    ("internal", "attackers who see inside the network (membranes, spikes)"),
    ("gradient", "attackers who see gradients, as in federated learning"),
)


def tone(summary: Summary) -> str:
    """Return how the verdict is coloured: never as an all-clear."""
    return "failed" if not summary.sound else "leak" if summary.leaks else "hint" if summary.hints else "calm"


def meaning(summary: Summary) -> list[str]:
    """Say what the verdict means to somebody who has never seen an ROC curve."""
    return [*unlearnt(summary), *_meaning(summary)] if summary.sound else _meaning(summary)


def unlearnt(summary: Summary) -> list[str]:
    """Say beside the verdict what it is worth where the target is not shown to have learnt its task; nothing where it is."""
    if not summary.utility.unlearnt:
        return []
    told = "This network is not shown to have learnt its task: always naming the commonest class may do as well on the test examples."
    if summary.leaks:
        return [f"{told} It gives its members away all the same: what it kept is the examples."]
    by_heart = (summary.utility.train_accuracy.value or 0.0) > (1 + (summary.utility.commonest or 0.0)) / 2
    why = "That" if by_heart else "What was not learnt cannot leak: that"
    return [f"{told} {why} nothing was found here says nothing of a network that works."]


def _meaning(summary: Summary) -> list[str]:
    if not summary.sound:
        return ["The numbers below serve to find the fault in the audit. They say nothing reliable about the network."]
    best = summary.strongest
    if summary.hints:
        return [
            f"The audit decides by one number, the AUC of {best.name}, chosen on shadow models. All else is looked at besides.",
            "Of many such looks some would lie off chance by luck; the sentences above say how that was allowed for.",
            "Take a single narrow exception as a reason to audit again with another seed, several or wide ones as a leak.",
        ]
    if not summary.leaks:
        power = decimal(summary.power.auc)
        return [
            "This is not proof that nothing leaks: it speaks of these attacks and of this much data.",
            f"Leakage weaker than an AUC of {power} would probably have gone unseen.",
        ]
    said = [f"Shown one member and one non-member, {best.name} points at the member {_in_hundred(best.auc.value)} times out of 100."]
    rate = rate_at(best.tpr_at_fpr, 0.01)
    return said if rate is None else [*said, _strict(rate.tpr)]


def _strict(tpr: Estimate) -> str:
    """Say what an attacker recognises who may accuse one non-member in a hundred; a limit is said of the data, not of the attack."""
    if tpr.value is not None:
        return f"Allowed to accuse 1 non-member in 100 wrongly, it recognises {percent(tpr.value)} of the members."
    return (
        "How many members it recognises when it may accuse only 1 non-member in 100 wrongly, these data cannot tell: too few non-members "
        f"were audited. They rule out more than {percent(tpr.high)}, and nothing below."
    )


def access_in_words(access: str) -> str:
    """Say what an attacker with this access sees, "" when the word is not known."""
    return next((text for key, text in ACCESS.items() if key in access.lower()), "")


def control_in_words(control: Control) -> str:
    """Say what a control means, "" when it is not known here."""
    return why(control.name)


def outcome(control: Control) -> str:
    """Return a control's outcome in a word."""
    return {True: "passed", False: "failed", None: "not run"}[control.passed]


def not_tested(summary: Summary) -> list[str]:
    """Return what this audit did not try, as far as the record shows it."""
    seen = " ".join(attack.access.lower() for attack in summary.attacks)
    untried = [text for key, text in NOT_TESTED if key not in seen]
    guessed_wrong = any(attack.name.startswith("lira-other-") for attack in summary.attacks)
    return [
        *untried,
        "attacks that are not in the table, and attackers who choose their queries step by step",
        *([] if guessed_wrong else ["attackers who guess the recipe wrong: where knowledge is listed, these had it right"]),
        "what leaks about whole classes or groups rather than about single examples",
        *([] if summary.kind else ["other trainings of the same recipe: this is one network, not its kind"]),
    ]


def power(summary: Summary) -> str:
    """Say what this audit could have seen."""
    sizes = f"{count(summary.counts.audited_members)} members and {count(summary.counts.audited_nonmembers)} non-members"
    able = summary.power
    if able.auc >= 1:
        return f"With {sizes}, no AUC, however large, would have been told from chance in four of five audits."
    rate = f"; so would a TPR of {percent(able.tpr)} or more at an FPR of {level(able.at_fpr)}" if max(able.tpr, able.at_fpr) < 1 else ""
    joint = "" if able.level is None or not rate else ", tested with all other numbers"
    return (
        f"With {sizes}, leakage with an AUC of {decimal(able.auc)} or more would have been told from chance in four of five "
        f"audits (one-sided, {percent(0.05 if able.level is None else able.level)}){rate}{joint}."
    )


def headline_choice(summary: Summary) -> str:
    """Say how the headline attack was chosen."""
    best, rehearsals = summary.strongest, summary.counts.rehearsals
    return (
        f"The headline is {best.name}. It was chosen before the target was looked at: it had the largest mean AUC "
        f"({decimal(best.rehearsal_auc)}) over {count(rehearsals)} rehearsal{'s' * (rehearsals != 1)}, in which a shadow model takes the "
        "target's part. Choosing the best attack on the target itself would flatter the attacker."
    )


def privacy_note(record: Record) -> str:
    """Say what this very page gives away."""
    if sharing.is_shared(record):
        return sharing.NOTE
    pool = (
        "The recipe and the command on it tell the seed: whoever has the data works out from it which examples the target was trained on. "
        "The record behind it holds that membership for every example in the pool. Keep both as you keep the training data; "
        "`mia-audit report --share` draws a page without them."
    )
    if not record.exposed:
        return f"This page shows no training example. {pool}"
    if record.summary.data.public:
        return f"This page shows training examples; the data set is public. {pool}"
    return f"This page shows training examples of data that are not public, because it was asked for: do not pass it on. {pool}"


def classes(summary: Summary, label: int) -> str:
    """Return the name of a class, its number where it has none."""
    return summary.data.classes[label] if 0 <= label < len(summary.data.classes) else str(label)


def _in_hundred(auc: float | None) -> str:
    return "an unknown number of" if auc is None else f"{100 * auc:.0f}"
