"""Learning a word: rows, prompts, draws, objective, optimizer, evaluation and their state."""
