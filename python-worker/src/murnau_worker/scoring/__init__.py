"""Scores of pictures by a judge that is no part of the model."""
