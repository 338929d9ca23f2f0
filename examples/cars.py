"""The data set that the examples look at: 406 cars sold from 1970 to 1982."""

from importlib import resources
from pathlib import Path

import pandas as pd

CARS = Path(str(resources.files("vega_datasets"))) / "_data" / "cars.json"


def load_cars(path: str = "cars.json") -> pd.DataFrame:
    """Read cars sold from 1970 to 1982, one a row.

    Columns: name, origin, year, litres_per_100_km, kilograms, horsepower.
    """
    cars = pd.read_json(path)
    return pd.DataFrame(
        {
            "name": cars["Name"],
            "origin": cars["Origin"],
            "year": pd.to_datetime(cars["Year"]).dt.year,
            "litres_per_100_km": 235.215 / cars["Miles_per_Gallon"],
            "kilograms": cars["Weight_in_lbs"] * 0.4536,
            "horsepower": cars["Horsepower"],
        }
    )
