"""Public data sets: declared, downloaded, unpacked."""
