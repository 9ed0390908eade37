"""The mutants of a module: cosmic-ray's operators, those alternatives that teach something, and removed statements.

Of every operator one or two replacements are made (the neighbour and the opposite), not all: ten wrong answers of one
place are noticed by the same test. Annotations are left alone, they do nothing at run time.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

BINARY = [
    "Add_Sub",
    "Sub_Add",
    "Mul_FloorDiv",
    "FloorDiv_Mul",
    "Div_Mul",
    "Mod_FloorDiv",
    "Pow_Mul",
    "BitAnd_BitOr",
    "BitOr_BitAnd",
    "LShift_RShift",
    "RShift_LShift",
]
COMPARISON = [
    "Lt_LtE",
    "Lt_GtE",
    "LtE_Lt",
    "LtE_Gt",
    "Gt_GtE",
    "Gt_LtE",
    "GtE_Gt",
    "GtE_Lt",
    "Eq_NotEq",
    "Eq_GtE",
    "NotEq_Eq",
    "NotEq_Lt",
    "Is_IsNot",
    "IsNot_Is",
]
OTHERS = [
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ExceptionReplacer",
    "NumberReplacer",
    "ZeroIterationForLoop",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceUnaryOperator_Delete_Invert",
]
OPERATORS = (
    *(f"ReplaceBinaryOperator_{name}" for name in BINARY),
    *(f"ReplaceComparisonOperator_{name}" for name in COMPARISON),
    *OTHERS,
    "RemoveStatement",
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault that could be made; `lines` (first, last, from 1) is the statement it stands in."""

    module: str
    operator: str
    occurrence: int
    line: int
    lines: tuple[int, int]
    before: str

    @property
    def key(self) -> str:
        """A name that stays the same as long as the module does."""
        return f"{self.module}:{self.line} {self.operator}#{self.occurrence}"

    def made(self, source: str) -> tuple[str, str]:
        """The whole faulty source, and its first line that differs."""
        from cosmic_ray.mutating import MutationVisitor

        code = MutationVisitor.mutate_code(source, operator_named(self.operator), self.occurrence)
        assert code is not None
        pairs = zip(source.splitlines(), code.splitlines(), strict=False)
        return code, next((new.strip() for old, new in pairs if old != new), "")


def statement_remover() -> type:
    """An operator beside cosmic-ray's: a call whose value nobody takes, or a `raise`, is not done at all."""
    import parso
    from cosmic_ray.operators.operator import Operator

    class RemoveStatement(Operator):  # type: ignore[misc]
        def mutation_positions(self, node):  # type: ignore[no-untyped-def]
            if node.type == "simple_stmt" and node.children[0].type in ("atom_expr", "raise_stmt"):
                yield node.start_pos, node.end_pos

        def mutate(self, node, index):  # type: ignore[no-untyped-def]
            made = parso.parse("pass").children[0]
            made.get_first_leaf().prefix = node.get_first_leaf().prefix
            node.children[0] = made
            return node

        @classmethod
        def examples(cls):  # type: ignore[no-untyped-def]
            return ()

    return RemoveStatement


def quiet_lines(tree: ast.Module) -> set[tuple[int, int]]:
    """Places (line, column) inside annotations and decorators (`frozen`, `slots`), and `if TYPE_CHECKING`."""
    quiet = set()
    for node in ast.walk(tree):
        for part in getattr(node, "decorator_list", ()):
            quiet |= {(one.lineno, one.col_offset) for one in ast.walk(part) if hasattr(one, "lineno")}
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            quiet.add((node.test.lineno, node.test.col_offset))
        for name in ("annotation", "returns"):
            part = getattr(node, name, None)
            if part is not None:
                quiet |= {(one.lineno, one.col_offset) for one in ast.walk(part) if hasattr(one, "lineno")}
                quiet |= {(part.lineno, column) for column in range(part.col_offset, part.end_col_offset)}
    return quiet


def statements(tree: ast.Module) -> dict[int, tuple[int, int]]:
    """For each line the innermost statement's first and last line; of a compound one only its head."""
    spans: dict[int, tuple[int, int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.excepthandler)):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno
            for line in range(node.lineno, max(last or node.lineno, node.lineno) + 1):
                spans[line] = (node.lineno, max(last or node.lineno, node.lineno))
    return spans


def operator_named(name: str) -> Any:
    """An operator of cosmic-ray's, or ours."""
    from cosmic_ray.operators.provider import OperatorProvider

    return statement_remover()() if name == "RemoveStatement" else OperatorProvider()[name]()


def mutants_of(module: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a module's source."""
    from cosmic_ray.ast import ast_nodes, get_ast

    tree = ast.parse(source)
    quiet, spans = quiet_lines(tree), statements(tree)
    nodes, text = list(ast_nodes(get_ast(source))), source.splitlines()
    for name in OPERATORS:
        operator = operator_named(name)
        places = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, ((line, column), _) in enumerate(places):
            if (line, column) not in quiet:
                yield Mutant(module, name, occurrence, line, spans.get(line, (line, line)), text[line - 1].strip())


def sample(found: list[Mutant], wanted: int, seed: int) -> list[Mutant]:
    """At most so many, drawn with a fixed seed, in the order of the file."""
    if len(found) <= wanted:
        return found
    drawn = random.Random(f"{seed} {found[0].module}").sample(found, wanted)
    return sorted(drawn, key=lambda one: (one.line, one.operator, one.occurrence))
