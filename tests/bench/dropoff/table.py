"""All strategies on all layouts: the figures, the measure, and the tables of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.bench.dropoff.layouts import LAYOUTS, make
from tests.bench.dropoff.ours import Ours
from tests.bench.dropoff.play import PARTS, RIVALS, Player, bounds, geometric_mean, play, ratio

OURS = "rescuedeck"
BOUND = "bound"
STRATEGIES: dict[str, Player] = {OURS: lambda layout, seed: play(Ours(), layout, seed), **RIVALS}

Cycles = tuple[int, ...]


@dataclass
class Figures:
    """``cycles[strategy][layout]``: for each seed the cycles at each part; the bound is a strategy of its own."""

    seeds: Sequence[int]
    cycles: dict[str, dict[str, list[Cycles]]] = field(default_factory=dict)

    def add(self, strategy: str, layout: str, spent: Iterable[int]) -> None:
        self.cycles.setdefault(strategy, {}).setdefault(layout, []).append(tuple(spent))

    def mean(self, strategy: str, layout: str, part: int) -> float:
        """Mean power cycles at ``PARTS[part]``."""
        spent = self.cycles[strategy][layout]
        return sum(one[part] for one in spent) / len(spent)

    def ratios(self, strategy: str, layouts: Iterable[str] | None = None) -> list[float]:
        """(cycles + 1) / (bound + 1) of every seed and part."""
        out = []
        for layout in layouts or self.cycles[strategy]:
            for spent, least in zip(self.cycles[strategy][layout], self.cycles[BOUND][layout], strict=True):
                out += [ratio(one, bound) for one, bound in zip(spent, least, strict=True)]
        return out

    def score(self, strategy: str, layouts: Iterable[str] | None = None) -> float:
        """The measure."""
        return geometric_mean(self.ratios(strategy, layouts))

    def lag(self) -> tuple[float, str, str, float]:
        """Where ours is most cycles behind another: how many, which layout, which strategy, at which part."""
        return max(
            (self.mean(OURS, layout, k) - self.mean(rival, layout, k), layout, rival, part)
            for layout in self.cycles[OURS]
            for rival in self.cycles
            if rival not in (OURS, BOUND)
            for k, part in enumerate(PARTS)
        )


def measure(
    seeds: Sequence[int],
    layouts: Iterable[str] = tuple(LAYOUTS),
    strategies: Iterable[str] = tuple(STRATEGIES),
    tell: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Play everything."""
    figures = Figures(seeds)
    for name in layouts:
        for seed in seeds:
            layout = make(name, seed)
            figures.add(BOUND, name, bounds(layout, seed))
            for strategy in strategies:
                figures.add(strategy, name, STRATEGIES[strategy](layout, seed))
        tell(name)
    return figures


def markdown(figures: Figures) -> str:
    """The published tables."""
    names = [OURS, *RIVALS]
    lines = [
        f"Seeds {figures.seeds[0]} to {figures.seeds[-1]}, none of which the strategy was tuned on. The measure "
        "(less is better): the geometric mean of (cycles + 1) / (bound + 1) over all drives and the three parts.",
        "",
        _row(["", *names]),
        _row(["---", *["---:"] * len(names)]),
        _row(["measure", *(_measure(figures.score(name)) for name in names)]),
    ]
    for k, part in enumerate(PARTS):
        lines += [
            "",
            f"Mean power cycles until {part * 100:g} % of the readable bytes were rescued:",
            "",
            _row(["layout", BOUND, *names]),
            _row(["---", *["---:"] * (len(names) + 1)]),
        ]
        for layout in figures.cycles[OURS]:
            cells = [_cycles(figures.mean(name, layout, k)) for name in (BOUND, *names)]
            lines.append(_row([f"{layout}: {LAYOUTS[layout][0]}", *cells]))
    behind, layout, rival, part = figures.lag()
    lines += [
        "",
        f"Most behind another strategy: {behind:.2f} cycles ({layout}, {rival}, {part * 100:g} %).",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _measure(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _cycles(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}".replace(",", " ")
