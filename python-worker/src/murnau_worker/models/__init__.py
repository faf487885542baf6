"""Models that the worker serves: how their folders are recognised, read and held."""
