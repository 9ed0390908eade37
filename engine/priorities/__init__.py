"""Read these first: what a person wants of a disk, as a ddrescue domain mapfile and back."""

from engine.priorities.domain import Domain, aligned, read_domain, write_domain

__all__ = ["Domain", "aligned", "read_domain", "write_domain"]
