"""Textual inversion: rows that learn by the losses of a frozen model."""
