"""One thread owns the device; sessions take turns on it, step by step."""
