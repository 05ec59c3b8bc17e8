"""From speech and rooms to the sequences that a method is given and scored on."""
