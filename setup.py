"""The folders of the project, published under one namespace: `doabench.methods` is `methods/`, and so on."""

from setuptools import find_packages, setup

TOP = ("benchmark", "methods", "datasets", "protocols", "leaderboard")

setup(
    packages=[f"doabench.{name}" for top in TOP for name in (top, *(f"{top}.{sub}" for sub in find_packages(top)))],
    package_dir={f"doabench.{top}": top for top in TOP},
    package_data={
        **{f"doabench.{top}": ["py.typed"] for top in TOP},
        "doabench.benchmark.plugins": ["templates/*.py"],
        "doabench.leaderboard.analysis": ["*.csv"],
        "doabench.leaderboard": ["py.typed", "shipped/*/*/*", "shipped/replays/*"],
        "doabench.leaderboard.pages": ["*.html", "*.css", "*.js"],
        "doabench.datasets.sources": ["*.sha256"],
    },
)
