"""Screens: one for each task. A screen asks the engine, gets frozen values back and shows them."""
