"""Speech corpora (`speech/`) and rooms (`rooms/`), one file each, and the pieces they share (`_name.py`)."""
