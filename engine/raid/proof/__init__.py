"""Proof by assembling: structures of file systems that name their own place, looked for where they must be."""

from engine.raid.proof.prove import Proof, prove

__all__ = ["Proof", "prove"]
