"""The GPU worker of murnau: textual inversion and pictures behind gRPC."""

__version__ = "0.1.0"
