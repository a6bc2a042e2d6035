"""How the target was converted, told in the record."""

from mia_audit.audit.attacking.measuring import estimate, share
from mia_audit.audit.bank.prepared import Bank, Prepared
from mia_audit.data import design
from mia_audit.record.conversion import Converted
from mia_audit.statistics.proportions import accuracy


def conversion(prepared: Prepared, bank: Bank) -> Converted | None:
    """Return what is told of a converted target, None where the target was trained itself."""
    asked = prepared.recipe.conversion
    if asked is None:
        return None
    told = {name: values[design.TARGET] for name, values in bank.told.items()}
    made = "agreement" in told
    return Converted(
        stages=asked.stages,
        shadow_stage=prepared.recipe.audit.shadow_stage,
        balancing=asked.balancing,
        images=asked.images,
        steps=asked.steps,
        percentile=asked.percentile,
        teacher=estimate(accuracy(share(told["teacher_predictions"], prepared.examples.test_labels))),
        thresholds=tuple(float(each) for each in told["thresholds"]),
        spikes=tuple(float(each) for each in told["spikes"]),
        agreement=float(told["agreement"]) if made else None,
        iterations=int(told["iterations"]) if made else None,
        at_most=asked.synthesis.iterations if made else None,
        moved=tuple(float(each) for each in told.get("moved", ())),
        balanced_on=int(told["balanced_on"][prepared.audited].sum()),
    )
