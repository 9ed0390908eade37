"""Carving: files found by their own structure, without a directory.

The scan fills a catalogue (``scan``, ``catalogue``); nothing is written until somebody chooses what (``writing``).
``signatures`` is the table of what a file may begin with, ``walkers`` find where it ends.
"""
