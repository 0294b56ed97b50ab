"""How Django writes what belongs to a place, by language."""
