"""Where an audit comes from: who ran it, when, with what, on whose data."""

from collections.abc import Mapping
from dataclasses import dataclass

from mia_audit.record import Record, Strict
from mia_audit.report.numbers import count

OWNERS: Mapping[str, str] = {
    "digits": "E. Alpaydin and C. Kaynak, UCI Machine Learning Repository",
    "iris": "R. A. Fisher, UCI Machine Learning Repository",
    "breast-cancer": "W. Wolberg, W. Street and O. Mangasarian, UCI Machine Learning Repository",
    "mnist": "Y. LeCun, C. Cortes and C. Burges",
    "fashion-mnist": "Zalando Research",
    "cifar10": "A. Krizhevsky, V. Nair and G. Hinton, University of Toronto",
    "cifar100": "A. Krizhevsky, V. Nair and G. Hinton, University of Toronto",
    "location30": "D. Yang et al. (check-ins), R. Shokri et al. (features)",
    "adult": "B. Becker and R. Kohavi, UCI Machine Learning Repository, from the US census of 1994",
    "nmnist-small": "G. Orchard et al., after MNIST",
}
"""Who made the data sets that the tool knows by name."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What whoever draws an audit page adds to it; none of it is part of the record.

    title, organisation, contact   "" leaves what run.json tells
    beside                         other records, which tell what could be done
    strict                         how often a name is right, for a record that was written before it said so
    unfold                         whether the appendix is open, on paper too
    """

    title: str = ""
    organisation: str = ""
    contact: str = ""
    beside: tuple[Record, ...] = ()
    strict: Strict | None = None
    unfold: bool = False


PLAIN = Look()


def title(record: Record, look: Look) -> str:
    """Return the page's title: as asked, or target and data."""
    return look.title or _told(record, "title") or f"{record.summary.recipe.name} on {record.summary.data.title}"


def rows(record: Record, look: Look) -> list[tuple[str, str]]:
    """Return what the page says of its origin, as names and values."""
    summary = record.summary
    by = [text for text in (look.organisation or _told(record, "organisation"), look.contact or _told(record, "contact")) if text]
    public = "public" if summary.data.public else "not public"
    owner = OWNERS.get(summary.data.name, "owner not told")
    return [
        ("Audited", summary.recipe.name),
        ("Data", f"{summary.data.title}, {count(summary.counts.pool)} examples; {owner}; {public}"),
        ("Run by", ", ".join(by) or "not told (--organisation, --contact)"),
        ("Date", _told(record, "date") or "not told: the record was written before dates were kept"),
        ("Tool", f"mia-audit {_version(record)}"),
    ]


def _told(record: Record, name: str) -> str:
    told = record.run.get(name, "")
    return told if isinstance(told, str) else ""


def _version(record: Record) -> str:
    versions = record.run.get("versions")
    return str(versions.get("mia-audit", "of unknown version")) if isinstance(versions, Mapping) else "of unknown version"
