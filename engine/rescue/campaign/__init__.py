"""The campaign against a drive that drops off the bus: read, lose it, cut its power, find it again, read elsewhere.

``job`` is the loop; ``engine.rescue.strategy`` decides which pass comes next, ``engine.rescue.turn`` runs it.
"""
