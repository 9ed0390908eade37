"""Partitions: every table of a disk as one tree, the volumes inside, what is wrong with them, and the way to repair it.

``read.read_tree`` reads a tree, ``checks.examine`` adds what is wrong, ``repairs`` makes write plans.
"""
