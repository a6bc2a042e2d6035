"""What a differentially private training guarantees: its public constants, and the epsilon that follows from them."""
