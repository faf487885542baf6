"""A second family for tests: one text tower whose rows learn the colour of pictures. Registered by test_families.py."""
