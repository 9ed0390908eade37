"""dBASE tables of all families: reading, deleted rows, memos, code pages, and rebuilding a damaged header."""

from engine.artifacts.dbf.header import parse_header
from engine.artifacts.dbf.model import FieldDef, Header, Row
from engine.artifacts.dbf.repair import Repair, RepairedSource, repair
from engine.artifacts.dbf.table import Table, open_table

__all__ = ["FieldDef", "Header", "Repair", "RepairedSource", "Row", "Table", "open_table", "parse_header", "repair"]
