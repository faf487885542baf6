"""The GPU worker of murnau: textual inversion and pictures of Kandinsky 2.1 behind gRPC."""

__version__ = "0.1.0"
