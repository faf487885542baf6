"""What every other package of the worker may use. Imports nothing of ours."""
