"""Every screen of the deck in every look, as pictures and as text."""
