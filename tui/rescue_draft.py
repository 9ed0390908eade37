"""A rescue that is being set up: what was chosen so far, what it would run, and how it is started. No screen here."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.cases import Case, create_case, is_case, load_case, record
from engine.cases.case import save_case
from engine.cases.describe import SourceFacts, source_facts
from engine.devices import Identity
from engine.errors import RescueError, UsageError, outside
from engine.jobs import Job, start
from engine.rescue.arguments import RescueArguments, default_options
from engine.rescue.checks import Finding
from engine.rescue.checks import Severity as Weight
from engine.rescue.dry_run import dry_run
from engine.rescue.options import RescueOptions
from engine.rescue.plan import DEFAULT_RETRIES
from engine.rescue.preflight import Check, refused
from engine.rescue.preflight.model import refuse
from engine.rescue.presets import StrategyPreset, load_preset, load_strategy, save_preset, save_strategy
from tui.campaign_draft import CampaignPlan

# Which refusal is lifted by which override, and what a person says yes to.
OVERRIDES: Mapping[str, tuple[str, str]] = {
    "source-in-use": ("allow_in_use", "It may change while it is read, and the image be torn. Read it all the same?"),
    "same-disk": ("allow_same_disk", "Every byte written may destroy one that is still to be read. Write there?"),
    "image-without-map": ("adopt_image", "All is read again, over what the image holds. Go on with this image?"),
    "map-empty": ("adopt_image", "All is read again, over what the image holds. Go on with this image?"),
    "source-unsure": ("allow_unsure", "Is this certainly the drive of this case?"),
}

BROKEN_MAP = frozenset({"map-malformed", "map-empty", "image-without-map"})
"""Refusals that putting the map together from its older states lifts: the rescue does that before it checks again."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was chosen. Paths are absolute; ``recipe`` empty: the strategy chooses each pass."""

    source: str
    directory: str
    image: str
    map: str
    title: str = ""
    size: int | None = None
    sector_size: int = 512
    identity: Mapping[str, Any] = field(default_factory=dict)
    case: Case | None = None
    recipe: str = ""
    options: RescueOptions = RescueOptions()
    retries: int = DEFAULT_RETRIES
    overrides: Mapping[str, Any] = field(default_factory=dict)
    insist: bool = False
    recover_map: bool = False
    drop_off: bool = False
    """The strategy for drives that drop off; ``recipe`` and ``retries`` then have no say."""
    campaign: CampaignPlan = CampaignPlan()
    remark: str = ""
    """What of the case's own settings could not be taken."""

    @property
    def is_new(self) -> bool:
        """The case folder is still to be made."""
        return self.case is None

    @property
    def who(self) -> str:
        """The drive in words."""
        return Identity.from_facts(self.identity).words if self.identity else ""

    @property
    def strategy(self) -> str:
        """The name of the strategy."""
        return "drop-off" if self.drop_off else "standard"

    def arguments(self) -> RescueArguments:
        """As the rescue job wants it."""
        made = RescueArguments(
            source=self.source, image=self.image, map=self.map, case=self.directory,
            recipe="" if self.drop_off else self.recipe, options=self.options, retries=self.retries,
            insist=self.insist, recover_map=self.recover_map, overrides=dict(self.overrides), strategy=self.strategy,
        )  # fmt: skip
        if not self.drop_off:
            return made
        return replace(made, hang_limit_s=self.campaign.hang_limit_s, campaign=self.campaign.settings)

    def with_directory(self, text: str) -> Draft:
        """Another case folder; image and map inside of the old one move along. An existing case brings its own.

        Raises ``RescueError``.
        """
        directory = _absolute(text)
        if is_case(directory):
            case = load_case(directory)
            return replace(
                self, directory=directory, case=case, title=case.title, image=str(case.image), map=str(case.map),
                overrides={},
            )  # fmt: skip

        def moved(path: str, name: str) -> str:
            inside = Path(path).is_relative_to(self.directory)
            return os.path.join(directory, name if self.case is not None else Path(path).name) if inside else path

        return replace(
            self, directory=directory, case=None, image=moved(self.image, "image.img"),
            map=moved(self.map, "rescue.map"), overrides={},
        )  # fmt: skip

    def with_path(self, role: str, text: str) -> Draft:
        """Another ``image`` or ``map``. Raises ``UsageError``."""
        path = _absolute(text)
        if os.path.isdir(path):
            raise UsageError(f"that is a folder; name a file for the {role}", path=path)
        return replace(self, overrides={}, **{role: path})  # type: ignore[arg-type]


def _absolute(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise UsageError("name a path", code="bad-path")
    return os.path.abspath(os.path.expanduser(text.strip()))


def with_domain(draft: Draft, domain: Path) -> Draft:
    """The draft that reads what a domain map wants: only that by the standard strategy, that first by drop-off."""
    first = ((str(domain), 8.0), *(one for one in draft.campaign.settings.first if one[0] != str(domain)))
    settings = replace(draft.campaign.settings, first=first)
    options = draft.options if draft.drop_off else replace(draft.options, domain_mapfile=str(domain))
    return replace(draft, options=options, campaign=replace(draft.campaign, settings=settings))


def draft_for_source(source: str, *, around: Path | None = None) -> Draft:
    """A first draft for a device or an image file: a new case in the present folder. Raises ``RescueError``.

    Looks into sysfs only; the drive is not opened.
    """
    facts = source_facts(source)
    directory = _free_name((around or Path.cwd()) / _case_name(facts))
    return Draft(
        source=_lasting(facts),
        directory=str(directory),
        image=str(directory / "image.img"),
        map=str(directory / "rescue.map"),
        title=Identity.from_facts(facts.identity).words if facts.identity else Path(source).name,
        size=facts.size,
        sector_size=facts.sector_size,
        identity=facts.identity,
        options=default_options(source),
    )


def draft_for_case(directory: Path) -> Draft:
    """A draft for the next run of a case. Raises ``RescueError``."""
    case = load_case(directory)
    if case.source_path is None:
        raise UsageError(
            "this case knows no source", code="no-source", path=directory, advice="image a device into a case instead"
        )
    options = load_preset(case.directory) or default_options(case.source_path)
    kept = load_strategy(case.directory)
    return Draft(
        source=case.source_path,
        directory=str(case.directory),
        image=str(case.image),
        map=str(case.map),
        title=case.title,
        size=case.source_size,
        sector_size=case.sector_size,
        identity=case.identity,
        case=case,
        options=options,
        drop_off=kept.strategy == "drop-off",
        campaign=CampaignPlan(kept.campaign, kept.hang_limit_s).over(time.time()),
        remark=kept.ignored,
    )


def _lasting(facts: SourceFacts) -> str:
    """The name under /dev/disk/by-id, which stays the same after a power cycle; else the path as it is."""
    real = os.path.realpath(facts.path)
    links = (f"/dev/disk/by-id/{name}" for name in Identity.from_facts(facts.identity).by_id)
    return next((link for link in links if os.path.realpath(link) == real), facts.path)


def _case_name(facts: SourceFacts) -> str:
    """A folder's name from model and serial number, or from the file's name."""
    identity = Identity.from_facts(facts.identity)
    text = "-".join(part for part in (identity.model, identity.serial) if part) or Path(facts.path).stem
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:60]
    return f"case-{name}" if name else "case"


def _free_name(path: Path) -> Path:
    """The path, or it with a number, so that nothing is there yet."""
    number, free = 2, path
    while os.path.lexists(free):
        free = path.with_name(f"{path.name}-{number}")
        number += 1
    return free


# -- before the start -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a start would do: checks, findings about the options, and the first command (or why there is none)."""

    checks: tuple[Check, ...] = ()
    findings: tuple[Finding, ...] = ()
    command: str = ""
    reason: str = ""
    problem: str = ""

    def refusals(self, draft: Draft) -> int:
        """How many things forbid the start."""
        against = sum(finding.severity is Weight.REFUSED for finding in self.findings)
        lifted = BROKEN_MAP if draft.recover_map else frozenset()
        checks = [check for check in refused(self.checks) if check.code not in lifted]
        return len(checks) + against + bool(self.problem)

    def dangers(self, draft: Draft) -> tuple[Finding, ...]:
        """Dangerous options that nobody has said yes to."""
        if draft.insist:
            return ()
        return tuple(finding for finding in self.findings if finding.severity is Weight.DANGER)

    def ready(self, draft: Draft) -> bool:
        """Whether it may start."""
        return not self.refusals(draft) and not self.dangers(draft)


def outlook(draft: Draft) -> Outlook:
    """Check a draft. Takes up to half a minute when the drive hangs (it is opened in a child process, never read)."""
    try:
        arguments = RescueArguments.from_json(draft.arguments().to_json())
        if draft.is_new:
            found = dry_run(replace(arguments, case=None), will_make=draft.directory)
        else:
            found = dry_run(arguments)
    except RescueError as error:
        return Outlook(problem=str(error))
    return Outlook((*found.checks, *_taken(draft)), found.findings, found.command, found.reason)


def _taken(draft: Draft) -> Iterator[Check]:
    """What speaks against making the folder a case, as ``create_case`` would say it at the start."""
    if not draft.is_new or not os.path.isdir(draft.directory):
        return
    try:
        with os.scandir(draft.directory) as inside:
            taken = next(inside, None) is not None
    except OSError as error:
        yield refuse("case-folder", str(outside(error, "cannot look into the case folder", draft.directory)))
        return
    if taken:
        yield refuse("case-folder", "the case folder holds other files", "choose a new folder for the case")


def launch(draft: Draft) -> Job:
    """Make or keep the case, note what was chosen, start the job. Raises ``RescueError``."""
    case = draft.case
    if case is None:
        case = create_case(
            draft.directory, title=draft.title, image=draft.image, map=draft.map, source_path=draft.source,
            source_size=draft.size, sector_size=draft.sector_size, identity=draft.identity,
        )  # fmt: skip
        record(case, "case-created", source=case.source_path)
    elif (str(case.image), str(case.map), case.source_path) != (draft.image, draft.map, draft.source):
        case = replace(case, image=Path(draft.image), map=Path(draft.map))
        case = case.with_source(
            draft.source, size=draft.size, sector_size=draft.sector_size, identity=draft.identity
        )
        save_case(case)
        record(case, "case-changed", image=draft.image, map=draft.map, source=draft.source)
    save_preset(case.directory, draft.options)
    plan = draft.campaign
    save_strategy(case.directory, StrategyPreset(draft.strategy, plan.hang_limit_s, plan.settings))
    arguments = draft.arguments()
    return start("rescue", arguments.to_json(), arguments.jobs_directory, case.title)

