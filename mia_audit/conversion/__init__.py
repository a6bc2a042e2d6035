"""Conversion of ordinary networks into spiking ones, data-free or not: PrivateSNN (Kim et al. 2022, arXiv:2104.03414v3).

All models of a cohort go through it at once; `docs/privatesnn.md` says what differs from the paper and why.

rules       what can be converted. No torch
stages      the recipes of teacher and converted network, and the keys of what lies between them. No torch
folding     a teacher's weights without batch norm, and the spiking network that takes them
balancing   thresholds, folded into weights
images      what thresholds are balanced on, and what encryption trains on
synthesis   images from a teacher alone
encryption  training through time on these alone
timing      answers and spikes at every step
working     one cohort through its stages
running     all cohorts, by the crew, into the store
"""
