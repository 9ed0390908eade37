"""What a rescue would do: its checks, remarks on its options, and its first command; nothing is started or written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.devices import Identity
from engine.errors import RescueError
from engine.host.blocks import node_of_path
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.rescue.arguments import RescueArguments, default_options
from engine.rescue.capabilities import probe
from engine.rescue.checks import Finding, Severity, check_options
from engine.rescue.command import build
from engine.rescue.domain import domain_of, totals_in
from engine.rescue.options import RescueOptions
from engine.rescue.passes import tuned
from engine.rescue.plan import next_pass, single_pass
from engine.rescue.preflight import Check, preflight, refused
from engine.rescue.size import source_size


@dataclass(frozen=True, slots=True)
class DryRun:
    """The checks, the findings on options, and the first pass: ``command`` is empty when nothing is left to do."""

    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    reason: str
    command: str
    startable: bool

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "checks": [
                {"code": one.code, "severity": str(one.severity), "message": one.message, "advice": one.advice}
                for one in self.checks
            ],
            "findings": [
                {"severity": str(one.severity), "option": one.option, "message": one.message} for one in self.findings
            ],
            "reason": self.reason,
            "command": self.command,
            "startable": self.startable,
        }


def dry_run(arguments: RescueArguments, *, will_make: str | None = None) -> DryRun:
    """Look at everything; the drive is opened (in a child process) and not read. Raises ``OutsideError``.

    ``will_make`` is a folder for image and map that is made before the start (a new case).
    """
    capabilities = probe()
    options = arguments.options or default_options(arguments.source)
    size = source_size(arguments.source)
    findings = check_options(options, capabilities, device=node_of_path(arguments.source) is not None)
    domain = domain_of(options, size)
    known = _known(arguments.map)
    checks = run_preflight(arguments, known, will_make=will_make)
    first: RescueOptions | None
    if arguments.strategy == "drop-off":
        from engine.rescue.campaign.preview import first_pass

        first, reason = first_pass(arguments, known, size, domain)
    elif arguments.recipe:
        first, reason = single_pass(arguments.recipe, known, options, size=size, domain=domain).options, "asked for"
    else:
        plan = next_pass(known, [], options, size=size, domain=domain, retries=arguments.retries)
        first, reason = plan.next.options if plan.next is not None else None, plan.reason
    if first is None:
        return DryRun(tuple(checks), findings, reason, "", not refused(checks))
    against = [one for one in findings if one.severity is Severity.REFUSED]
    against += [one for one in findings if one.severity is Severity.DANGER and not arguments.insist]
    command = ""
    if not any(one.severity is Severity.REFUSED for one in against):
        made = tuned(first, known, arguments.image)
        command = build(capabilities, made, arguments.source, arguments.image, arguments.map).shown
    return DryRun(tuple(checks), findings, reason, command, not against and not refused(checks))


def run_preflight(
    arguments: RescueArguments, known: Mapfile | None, *, will_make: str | None = None
) -> list[Check]:
    """The checks before the start for these arguments."""
    from engine.cases import load_case

    options = arguments.options or default_options(arguments.source)
    domain = domain_of(options, source_size(arguments.source))
    identity = load_case(arguments.case).identity if arguments.case is not None else {}
    return preflight(
        arguments.source, arguments.image, arguments.map, options.size,
        input_start=options.input_position or 0, output_start=options.output_position,
        remaining=totals_in(known, domain).unfinished if known is not None else None,
        sparse=options.sparse, case_directory=arguments.case, will_make=will_make,
        known=Identity.from_facts(identity) if identity else None, **arguments.overrides,
    )  # fmt: skip


def _known(path: str) -> Mapfile | None:
    try:
        known = read_map(path)
    except RescueError:  # the checks tell what is wrong with it
        return None
    return known if len(known) else None
