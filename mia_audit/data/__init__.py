"""Data: what the sets are, how they are read, dealt out, and given to models."""
