"""The report of a case: for the customer and for the next technician, as Markdown or HTML with a picture of the map."""

from engine.report.gather import gather
from engine.report.html import to_html
from engine.report.markdown import to_markdown
from engine.report.model import CaseReport

__all__ = ["CaseReport", "gather", "to_html", "to_markdown"]
