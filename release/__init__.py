"""The single-file archive: how it is built (``python -m release``) and how it starts (``start``)."""
