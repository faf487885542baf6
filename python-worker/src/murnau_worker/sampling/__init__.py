"""Diffusion processes and their samplers."""
