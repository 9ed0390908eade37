"""Simulated drives that drop off at bad places, strategies against them, and how many power cycles each needs.

Positions are clusters of 64 KiB, a drive has 2^24 of them (1 TiB). A run reads from a position in one direction until
its limit or until it touches a killer; then the drive is gone, and the next run costs a power cycle.
"""
