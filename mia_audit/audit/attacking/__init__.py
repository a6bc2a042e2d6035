"""Attacks at work: which of them can run, their scores, and the numbers made of scores."""
