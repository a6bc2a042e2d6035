"""Probes: signals beyond the logits, taken from trained models: states inside, gradients, answers to adaptive queries."""
