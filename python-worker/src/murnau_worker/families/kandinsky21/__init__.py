"""Kandinsky 2.1, the first family."""
