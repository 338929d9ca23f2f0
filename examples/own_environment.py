"""Bring your own environment: sessions have the interpreter and the packages that you choose.

The environment needs IPython, and whatever the code may import; here that is DuckDB:

    python -m venv analysis
    analysis/bin/pip install ipython duckdb
    .venv/bin/python examples/own_environment.py analysis/bin/python
"""

import sys

from cars import CARS
from dynamic_sessions import SessionPool
from dynamic_sessions_local import LocalSessionPool

CODE = """
import duckdb

duckdb.sql('''
    select Origin, count(*) as cars, round(avg(Horsepower), 1) as horsepower
    from read_json('cars.json') group by Origin order by horsepower desc
''').show()
"""


def main(python: str) -> None:
    """Run SQL in a session whose environment has DuckDB."""
    # What is preloaded, every session has from its first moment on.
    with (
        LocalSessionPool(python=python, preload=("duckdb",)) as local,
        SessionPool(local.endpoint, local.credential) as pool,
    ):
        session = pool.session()
        session.files.upload(CARS)
        print(session.execute("import sys; print(sys.prefix)").raise_for_status().stdout, end="")
        print(session.execute(CODE).raise_for_status().stdout)
        print(", ".join(sorted(session.list_packages())))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: own_environment.py ENVIRONMENT/bin/python")
    main(sys.argv[1])
