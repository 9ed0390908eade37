"""The map editor behind its screens: what is edited and selected, what is typed, in words. No widgets in here."""
