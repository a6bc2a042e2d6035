"""Controls: what would make the numbers wrong without anybody noticing. Each can fail."""
