"""Widgets: they know shapes, not disks; they get frozen values and speak upwards by messages only."""
