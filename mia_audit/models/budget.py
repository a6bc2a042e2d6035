"""How much of a private step is kept rather than computed twice. No torch here: memory is predicted without it."""

KEPT = 2**25
"""Values of one layer's single gradients, over all models, up to which they are kept."""
BYTES = 4
"""Of one of them, at most."""
