"""Driving GNU ddrescue: what it can do, what it is asked, the running process, and the job around it.

``capabilities`` probes the installed program, ``options`` holds every option it has, ``checks`` the rules between
them, ``recipes`` names the useful combinations, ``command`` makes the argument list, ``process`` starts, watches and
stops it, ``guard`` keeps the map from getting worse, ``plan`` decides the next pass, ``job`` runs the whole rescue,
and ``status`` is what watchers read.
"""
