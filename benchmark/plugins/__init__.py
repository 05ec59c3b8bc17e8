"""Methods, protocols, speech and rooms: found, named and started."""
