"""Lost partitions: found by the structures of their volumes, judged, and put into one consistent table."""

from engine.partitions.search.model import Find, FoundTable, SearchResult, SizeFrom, Standing, TableEntry
from engine.partitions.search.plan import LeftOut, TablePlan, plan_table
from engine.partitions.search.search import search

__all__ = [
    "Find",
    "FoundTable",
    "LeftOut",
    "SearchResult",
    "SizeFrom",
    "Standing",
    "TableEntry",
    "TablePlan",
    "plan_table",
    "search",
]
