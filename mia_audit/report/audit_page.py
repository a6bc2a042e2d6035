"""The audit page: one record, verdict first."""

from typing import Any

from mia_audit.record import AttackResult, Record, Summary
from mia_audit.report import advice, answers, figures, pictures, provenance, repeat, risk, words
from mia_audit.report.conversion import conversion_in_words
from mia_audit.report.curves import audited_membership, resolution_limit, scores
from mia_audit.report.families import families, leading
from mia_audit.report.growth import growth_in_words
from mia_audit.report.guarantee import claim_judged, guarantee_in_words
from mia_audit.report.page import fill
from mia_audit.report.provenance import PLAIN, Look

READ_AT = (0.05, 0.2, 0.5)  # false positive rates of the ROC figure's table, beside those of the record


def page(record: Record, look: Look = PLAIN) -> str:
    """Return the audit page of a record."""
    return fill("audit.html", record=record, summary=record.summary, **_first(record, look), **_figures(record), **_words(record))


def ranked(summary: Summary) -> list[AttackResult]:
    """Return the attacks as they rehearsed: the headline first, then by mean AUC on the shadow models."""
    return sorted(summary.attacks, key=lambda attack: (attack.name != summary.headline, -attack.rehearsal_auc, attack.name))


def measured_rates(summary: Summary) -> list[float]:
    """Return the false positive rates at which any attack was measured, largest first."""
    return sorted({rate.fpr for attack in summary.attacks for rate in attack.tpr_at_fpr}, reverse=True)


def _first(record: Record, look: Look) -> dict[str, Any]:
    return {
        "title": provenance.title(record, look),
        "origin": provenance.rows(record, look),
        "strict": record.summary.strict or look.strict,
        "answers": answers.answers(record),
        "steps": advice.steps(record, look.beside),
        "grave": [*record.doubts, *answers.grave(record.summary)],
        "slight": answers.slight(record.summary),
        "unfold": look.unfold,
        "opened": " open" if look.unfold else "",
    }


def _figures(record: Record) -> dict[str, Any]:
    attacks = ranked(record.summary)
    drawn = figures.series(record, attacks)
    bins = figures.score_bins(scores(record, record.summary.headline), audited_membership(record))
    return {
        "attacks": attacks,
        "leading": leading(attacks),
        "families": families(attacks),
        "series": drawn,
        "every": [(attack, figures.curve(record, attack)) for attack in attacks],
        "panels": figures.panels(record, attacks),
        "roc_linear": figures.roc_linear(drawn),
        "roc_log": figures.roc_log(record, drawn),
        "read_at": READ_AT,
        "limit": resolution_limit(record),
        "bins": bins,
        "histogram": figures.histogram(record, bins),
        "fprs": measured_rates(record.summary),
        "exposed": pictures.exposed(record),
        "as_stored": pictures.as_stored(record),
        "has_band": "band/fpr" in record.arrays,
        "has_names": "named" in record.arrays,
        "risk_histogram": risk.histogram(record),
    }


def _words(record: Record) -> dict[str, Any]:
    summary = record.summary
    return {
        "meaning": [said for said in words.meaning(summary) if said not in answers.grave(summary)],
        "headline_choice": words.headline_choice(summary),
        "power": words.power(summary),
        "at_risk_in_words": risk.at_risk_in_words(summary),
        "names_in_words": risk.names_in_words(summary),
        "counts_in_words": risk.counts_in_words(summary),
        "guarantee": (*guarantee_in_words(summary.privacy), *claim_judged(summary.epsilon)),
        "conversion": conversion_in_words(summary),
        "growth_in_words": growth_in_words(summary),
        "probabilities_in_words": risk.probabilities_in_words(summary),
        "not_tested": words.not_tested(summary),
        "privacy_note": words.privacy_note(record),
        "glossary": words.GLOSSARY,
        "command": repeat.command(record),
        "recipe_toml": repeat.recipe_of(record),
        "versions": repeat.facts(record, "versions"),
        "machine": repeat.facts(record, "machine"),
    }
