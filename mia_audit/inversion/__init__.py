"""Class leakage: images of a class that are made from a network alone, and judged by networks that never saw its data.

ascent      activation maximisation, from grey or within an attacker's prior; on ordinary networks, and on spiking ones through time
prior       what an attacker knows of images: the first principal components of others of their kind
evaluators  three networks of different kinds, trained apart from teacher and prior
judging     how often they see the class, settings chosen on another network than the target, and whether a member shows
"""
