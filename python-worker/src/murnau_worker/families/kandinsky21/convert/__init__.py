"""From the original Kandinsky 2.1 checkpoints to diffusers' and transformers' classes, one file per part."""
