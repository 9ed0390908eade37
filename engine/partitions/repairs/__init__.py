"""Repairs as write plans: nothing here writes, ``engine.edits`` does.

``plan_repair`` finds the repair for a finding (or a repair by its own name) and makes the plan; ``REPAIRS`` lists them.
"""

from engine.partitions.repairs.table import REPAIRS, Options, Repair, plan_repair, repair_for

__all__ = ["REPAIRS", "Options", "Repair", "plan_repair", "repair_for"]
