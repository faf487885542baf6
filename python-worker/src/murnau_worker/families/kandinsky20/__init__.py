"""Kandinsky 2.0: two text towers whose states a UNet of latent diffusion reads joined."""
