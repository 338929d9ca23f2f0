"""What all analysts are asked, and what a scripted model replies: pieces of code, then an answer."""

QUESTION = "Did cars become more frugal from 1970 to 1982, and is it because they became lighter?"
INSTRUCTIONS = (
    "You analyse data by writing Python, one piece of code a turn; wait for its output. Variables "
    "live on from piece to piece. Save one chart as chart.png, then answer in words."
)
REPLIES = (
    """cars = load_cars()
print(f"{len(cars)} cars, {cars.year.min()} to {cars.year.max()}")
print(cars.isna().sum().loc[lambda missing: missing > 0])""",
    """years = cars.groupby("year")[["litres_per_100_km", "weight"]].mean()""",
    """years = cars.groupby("year")[["litres_per_100_km", "kilograms"]].mean().round(1)
print(years.iloc[[0, -1]])""",
    """import matplotlib.pyplot as plt

figure, fuel = plt.subplots(figsize=(8, 4.5))
fuel.plot(years.index, years["litres_per_100_km"], color="tab:red")
fuel.set(title="Cars from 1970 to 1982", xlabel="year", ylim=(0, 16))
fuel.set_ylabel("litres per 100 km", color="tab:red")
weight = fuel.twinx()
weight.plot(years.index, years["kilograms"], color="tab:blue", linestyle="--")
weight.set_ylim(0, 1760)
weight.set_ylabel("kilograms (dashed)", color="tab:blue")
figure.savefig("chart.png", dpi=150)
print("correlation:", round(cars["litres_per_100_km"].corr(cars["kilograms"]), 2))""",
    """Yes: from 1970 to 1982 the average car went from 14.6 to 7.8 litres per 100 km, while it became
more than a quarter lighter. Consumption and weight go together closely: much of it is weight.""",
)
