"""Families of models: what a family is, how folders of one are recognised, read and converted."""
