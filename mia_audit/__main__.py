"""`python -m mia_audit` is `mia-audit`."""

from mia_audit.cli import main

main()
