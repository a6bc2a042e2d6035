"""Models: the zoo's networks, K of them as one module; every parameter carries a leading model axis.

`architectures` describes networks as lists of layers, `building` turns those into modules, `network` runs the whole population.
Neurons, surrogates, quantizers, normalization and encodings have a file each; so have the CPU's kernels.
"""
