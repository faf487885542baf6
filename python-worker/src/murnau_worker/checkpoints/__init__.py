"""A run's state and a learnt embedding as safetensors bytes."""
