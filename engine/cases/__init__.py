"""Cases: one directory that keeps what the source is, where image and maps are, and everything that was done."""

from engine.cases.case import Case, create_case, is_case, load_case
from engine.cases.generations import (
    Generation,
    case_of_map,
    generations_folder,
    keep_generation,
    keep_map,
    list_generations,
    list_maps,
    load_generation,
    load_map,
)
from engine.cases.history import Action, read_history, record
from engine.cases.opening import open_source

__all__ = [
    "Action",
    "Case",
    "Generation",
    "case_of_map",
    "create_case",
    "generations_folder",
    "is_case",
    "keep_generation",
    "keep_map",
    "list_generations",
    "list_maps",
    "load_case",
    "load_generation",
    "load_map",
    "open_source",
    "read_history",
    "record",
]
