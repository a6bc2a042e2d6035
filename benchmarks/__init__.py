"""Benchmarks: every number that this project claims about speed and memory, each against something measured in the same run."""
