"""A worker without a model, for everything around it: benchmarks of orchestration, faults, tests. Loads no torch."""
