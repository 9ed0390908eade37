"""How a volume is laid out, by its family: where its own structures are, and which blocks are free."""

from engine.filesystems.layout.model import Area, Layout
from engine.filesystems.layout.table import copies_of, layout_of

__all__ = ["Area", "Layout", "copies_of", "layout_of"]
