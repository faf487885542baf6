"""From the originals' keys to the classes of diffusers and transformers, as far as families share them."""
