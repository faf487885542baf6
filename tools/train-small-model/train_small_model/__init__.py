"""Trains the small Kandinsky 2.1 that ships with murnau, from scratch, on a CPU."""
