"""Suggests trials of a sweep and weighs its parameters, on the CPU and without torch. Keeps no state."""
