"""No package that comes with the suite is older than one whose hole is known.

A database of advisories needs a network; this list, kept by hand, does not. Whoever raises pins with a network at hand asks
`pip-audit -r constraints.txt`, and adds here what it tells.
"""

from __future__ import annotations

from importlib.metadata import version

import pytest
from packaging.version import Version

SAFE_FROM = {
    "aiohttp": "3.10.11",  # CVE-2024-52304: requests smuggled
    "cryptography": "43.0.1",  # CVE-2024-6119: denial of service
    "Flask": "3.1.1",  # CVE-2025-47278: keys of sessions
    "gunicorn": "23.0.0",  # CVE-2024-1135, CVE-2024-6827: requests smuggled
    "h11": "0.16.0",  # CVE-2025-43859: requests smuggled
    "Jinja2": "3.1.6",  # CVE-2025-27516: out of the sandbox
    "mlflow": "3.1.0",  # CVE-2025-52967: requests to inner servers
    "numpy": "1.22.2",  # CVE-2021-41495, CVE-2021-41496
    "pillow": "11.3.0",  # CVE-2025-48379: memory overwritten
    "protobuf": "6.31.1",  # CVE-2025-4565: endless recursion
    "pyarrow": "14.0.1",  # CVE-2023-47248: a table's type runs code
    "requests": "2.32.4",  # CVE-2024-47081: a password for another server
    "scikit-learn": "1.5.0",  # CVE-2024-5206: training data kept
    "SQLAlchemy": "1.4.0",  # CVE-2019-7164, CVE-2019-7548: text that is run
    "starlette": "0.47.2",  # CVE-2025-54121: a server that waits
    "torch": "2.8.0",  # CVE-2025-32434: weights that run code; CVE-2025-3730
    "tqdm": "4.66.3",  # CVE-2024-34062: options that are run
    "urllib3": "2.5.0",  # CVE-2025-50181, CVE-2025-50182: sent on to another server
    "Werkzeug": "3.0.6",  # CVE-2024-49766, CVE-2024-49767
    "zipp": "3.19.1",  # CVE-2024-5569: an archive without end
}


@pytest.mark.parametrize("package", SAFE_FROM)
def test_no_package_with_a_known_hole_is_installed(package: str) -> None:
    assert Version(version(package)) >= Version(SAFE_FROM[package])
