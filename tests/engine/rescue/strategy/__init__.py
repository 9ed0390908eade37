"""The drop-off strategy."""
