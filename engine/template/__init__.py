"""Structure templates over bytes: each field's name, place, value and meaning, and whether it is right.

The declaration of a structure is a construct ``Struct`` of fixed size; a ``Template`` adds to it what the numbers mean.
Nothing here knows a format.
"""

from engine.template.model import Context, Field, Note, Shape, Template, Value
from engine.template.walk import walk

__all__ = ["Context", "Field", "Note", "Shape", "Template", "Value", "walk"]
