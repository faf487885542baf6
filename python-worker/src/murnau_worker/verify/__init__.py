"""Goldens: the product's own code on the inputs that the original code was given, compared with what that gave."""
