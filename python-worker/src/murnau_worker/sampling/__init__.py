"""From text to picture: tables, the prior's sampler, the decoder's samplers."""
