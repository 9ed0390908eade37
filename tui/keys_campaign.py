"""The keys of a campaign against a drive that drops off; ``try`` and ``budget`` are menus behind a leader."""

from __future__ import annotations

from tui.key import Key

CAMPAIGN: dict[str, tuple[str, tuple[Key, ...]]] = {
    "campaign": (
        "Campaign against a drive that drops off",
        (
            Key("campaign.select", "v", "select", "select", "begin, end, drop a selection for skip and try", 39),
            Key("campaign.skip", "x", "skip_area", "skip", "leave the selection, or this cell, alone from now on", 33),
            Key("campaign.try", "t", "try_area", "try", "read the selection, or this cell, next", 34),
            Key("campaign.unskip", "X", "unskip_area", "unskip", "let the selection, or this cell, be read again"),
            Key("campaign.budget", "b", "budget", "budget", "power cycles, time, least gain, patience with a read", 35),
            Key("campaign.power", "P", "power", "power", "switch the power off and on now (asks), or how to", 36),
            Key("campaign.take_over", "T", "take_over", "by hand", "end the pass, edit the map by hand (asks)", 37),
            Key("campaign.hand_back", "T", "hand_back", "hand back", "the map is edited: the campaign goes on", 12),
            Key("campaign.decisions", "D", "decisions", "why", "all that was decided and found, and when", 38),
        ),
    ),
    "try": (
        "After t: read an area next",
        (
            Key("try.forwards", "f", "try('')", "forwards", "from its beginning, not where the drive was lost", 1),
            Key("try.backwards", "b", "try('reverse')", "backwards", "from its end, not where the drive was lost", 2),
            Key("try.killers", "k", "try('killers')", "also killers", "forwards, over the places that cost it, too", 3),
            Key("try.both", "K", "try('reverse killers')", "killers backwards", "the same from its end", 4),
        ),
    ),
    "budget": (
        "After b: change the budget",
        (
            Key("budget.cycles", "c", "set_budget('max_cycles')", "cycles", "power cycles in all", 1),
            Key("budget.until", "u", "set_budget('end_time')", "until", "when it has to be over", 2),
            Key("budget.gain", "g", "set_budget('min_bytes_per_cycle')", "least gain", "bytes worth a power cycle", 3),
            Key("budget.hang", "h", "set_budget('hang_limit_s')", "hang limit", "how long a read may take", 4),
        ),
    ),
    "dropoff": (
        "Settings for a drive that drops off",
        (
            Key("dropoff.change", "enter", "change", "change", "change the line under the cursor", 10),
            Key("dropoff.default", "d,delete", "default", "default", "back to what it is without being set", 20),
            Key("dropoff.test", "T", "test_power", "test power", "run the power command (asks): it CUTS POWER", 30),
        ),
    ),
    "power": (
        "A power cycle by hand",
        (
            Key("power.done", "D", "done", "DONE", "the power was cut and restored: look for the drive", 10),
            Key("power.give_up", "G", "give_up", "give up", "end the campaign (asks); all that was read is kept", 20),
            Key("power.later", "q,escape", "back", "later", "leave this page; the campaign waits", 30),
        ),
    ),
    "decisions": (
        "Decisions",
        (Key("decisions.close", "D", "back", "close", "back to the campaign", 10),),
    ),
}  # fmt: skip
