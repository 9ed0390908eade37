"""Recordings without a directory: pieces of MPEG programme streams found by their clock, and how they belong together.

found = scan(source, reporter)             # Scan: pieces and what nobody has read; goes on where it was stopped
pieces = described(source, found)          # every piece with both ends described, cut where recordings meet
puzzle = propose(pieces)                   # joins with scores and reasons, ties left for a person
titles = titles_of(puzzle, decisions)      # recordings, as the directory would have listed them
"""
