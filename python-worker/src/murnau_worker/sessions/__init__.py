"""Segments of runs as gRPC and every engine share them: requests, leases, events. Loads no torch."""
