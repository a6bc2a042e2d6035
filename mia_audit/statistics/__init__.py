"""Statistics of scores: NumPy in, numbers with intervals out. Larger score = more likely a member, everywhere."""
