"""Boot sectors made anew where both the first and its backup are gone, from what the rest of the volume still says."""

from engine.partitions.rebuilt.model import Proposal
from engine.partitions.rebuilt.propose import propose

__all__ = ["Proposal", "propose"]
