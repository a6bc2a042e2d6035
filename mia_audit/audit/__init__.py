"""The audit: what joins the torch column and the NumPy column into a record."""

from mia_audit.audit.planning import Plan, make_plan
from mia_audit.audit.request.options import Options
from mia_audit.audit.request.reading import asked
from mia_audit.audit.running import audit
from mia_audit.audit.watching import Silent, Watcher
from mia_audit.training.cost import parse_bytes

__all__ = ["Options", "Plan", "Silent", "Watcher", "asked", "audit", "make_plan", "parse_bytes"]
