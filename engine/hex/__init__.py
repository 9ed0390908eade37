"""Looking at the bytes of a source: pages with what nobody has read, structures laid over them, searches, bookmarks,
the data under a cursor, and changes as a write plan."""
