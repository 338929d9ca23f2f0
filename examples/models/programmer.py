"""What the scripted programmer does: writes a program, runs it, and mends it."""

from typing import Any

DATA = "/mnt/data/iowa-electricity.csv"
PROGRAM = "/mnt/data/renewables.py"
TASK = f"""Since which year has a third of Iowa's electricity been renewable? {DATA} has its sources
by year. Write a program without dependencies, {PROGRAM}, that prints every year's share; run it, and
mend it until it works."""

DRAFT = f'''\
import csv
from collections import defaultdict

total, renewable = defaultdict(int), defaultdict(int)
with open("{DATA}") as file:
    for row in csv.DictReader(file):
        total[row["year"]] += int(row["generation"])
        if row["source"] == "Renewables":
            renewable[row["year"]] += int(row["generation"])
for year in total:
    print(year[:4], f"{{renewable[year] / total[year]:.1%}}")
'''

REPLIES: list[str | tuple[str, dict[str, Any]]] = [
    ("write_file", {"file_path": PROGRAM, "content": DRAFT}),
    ("execute", {"command": f"python {PROGRAM}"}),
    ("read_file", {"file_path": DATA, "limit": 3}),
    (
        "edit_file",
        {
            "file_path": PROGRAM,
            "old_string": '"generation"',
            "new_string": '"net_generation"',
            "replace_all": True,
        },
    ),
    ("execute", {"command": f"python {PROGRAM}"}),
    "Since 2015, when 33.7 % of it was; in 2001 it was 3.5 %.",
]
