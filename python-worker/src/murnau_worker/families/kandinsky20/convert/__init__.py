"""From the original Kandinsky 2.0 checkpoints to diffusers' and our classes, one file per part."""
