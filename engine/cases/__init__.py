"""Cases: one directory that keeps what the source is, where image and maps are, and everything that was done."""

from engine.cases.case import Case, create_case, is_case, load_case
from engine.cases.generations import Generation, keep_generation, list_generations, load_generation
from engine.cases.history import Action, read_history, record
from engine.cases.opening import open_source

__all__ = [
    "Action",
    "Case",
    "Generation",
    "create_case",
    "is_case",
    "keep_generation",
    "list_generations",
    "load_case",
    "load_generation",
    "open_source",
    "read_history",
    "record",
]
