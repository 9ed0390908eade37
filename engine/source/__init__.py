"""Sources: where bytes come from. Always read-only, always aware of what nobody has read."""

from engine.source.base import Reading, Source
from engine.source.device import DeviceSource
from engine.source.extents import BytesSource, Extent, ExtentSource
from engine.source.file import FileSource
from engine.source.opening import open_path
from engine.source.sectors import SectorFormat, SectorSource, parse_sector_format
from engine.source.split import SplitSource
from engine.source.views import HoleSource, SwapSource, WindowSource

__all__ = [
    "BytesSource",
    "DeviceSource",
    "Extent",
    "ExtentSource",
    "FileSource",
    "HoleSource",
    "Reading",
    "SectorFormat",
    "SectorSource",
    "Source",
    "SplitSource",
    "SwapSource",
    "WindowSource",
    "open_path",
    "parse_sector_format",
]
