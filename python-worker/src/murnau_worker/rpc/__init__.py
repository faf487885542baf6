"""The gRPC boundary: generated types stop here."""
