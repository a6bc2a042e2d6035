"""Records compared: variants of a target, single networks, and replicates."""
