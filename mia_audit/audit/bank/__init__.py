"""What an audit holds: examples, coins, and what all models answered, those of wrong guesses too; and what lies in the store."""
