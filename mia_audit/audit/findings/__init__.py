"""What a record says beyond the table of attacks: facts, risk, epsilon, turns, growth."""
