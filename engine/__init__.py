"""The engine: everything rescuedeck knows and does, without a terminal."""

__version__ = "0.1.0"
