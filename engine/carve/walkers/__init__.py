"""One function for each type: it finds the end, and says how sure that is."""
