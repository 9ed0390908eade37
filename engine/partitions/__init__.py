"""Partitions: every table of a disk as one tree, the volumes inside, what is wrong with them, and the way to repair it."""

from engine.partitions.model import Filesystem, Finding, Node, Place, Tree

__all__ = ["Filesystem", "Finding", "Node", "Place", "Tree"]
