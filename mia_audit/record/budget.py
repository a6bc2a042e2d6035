"""One error budget for all that a verdict says: of audits in which nothing leaks, at most 5 % say anything.

The headline's AUC has most of it, since it is what an audit is for. What else may be said shares the rest: all numbers of all attacks
on the target, its guesses and parts of the data are tested jointly by redrawing the target's coins; the network's kind and examples
at risk rest on other models' coins as well, and have shares of their own. Each share is spent by one test, so that they add up.

Why four fifths: at 150 + 150 examples the smallest AUC that is found lies 0.093 above one half at 2.5 %, 0.086 at 4 % and 0.084 at 4.5 %,
while another of 60 numbers of alike attacks needs 3.3, 3.8 and 4.1 deviations at what is left (`tests/test_statistics_power.py`).
"""

VERDICT_LEVEL = 0.05
"""How often a verdict may say, anywhere, that something leaks where nothing does."""

HEADLINE_LEVEL = 0.04
"""One-sided: the headline attack's AUC lies above one half."""

LOOKS_LEVEL = 0.006
"""All other numbers of the attacks on this target, jointly."""

KIND_LEVEL = 0.002
"""Mean AUC and pooled rates over networks of the kind, jointly."""

RISK_LEVEL = 0.002
"""Any example at risk whatever network of the kind is released."""
