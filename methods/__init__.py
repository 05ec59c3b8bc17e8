"""One file per method. A file dropped in here is registered under its own name; `_name.py` is a shared piece."""
