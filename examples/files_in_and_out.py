"""Files in and out: folders, large files with their progress, bytes, and what may be replaced."""

import asyncio
import os
from pathlib import Path

from cars import CARS
from dynamic_sessions import AsyncSessionPool

CODE = """
import pathlib, pandas

cars = pandas.read_json("cars.json")
reports = pathlib.Path("reports")
reports.mkdir()
for origin, some in cars.groupby("Origin"):
    some.to_csv(reports / f"{origin}.csv", index=False)
print(pathlib.Path("notes/readme.txt").read_text())
"""


def show(done: int, total: int | None) -> None:
    """Say how far a transfer has come, in bytes."""
    print(f"  {done:,} of {total or 0:,} bytes")


async def move(notes: Path, out: Path) -> None:
    """Move files into a session and out of it."""
    async with AsyncSessionPool(os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")) as pool:
        files = (session := pool.session()).files
        print("in: a file, bytes, a folder")
        await files.upload(CARS, progress=show)
        await files.upload(b"made by the program", name="notes/origin.txt")
        await files.upload_directory(notes, to="notes")
        # Where a path came from a model or a user, root= keeps it inside a folder.
        try:
            await files.upload(CARS, root=notes)
        except ValueError as error:
            print(f"  refused: {error}")

        run = (await session.execute(CODE)).raise_for_status()
        print(f"the code read: {run.stdout.strip()}")
        for file in await files.list(recursive=True):
            print(f"  {file.type:<9} {file.size:>9,} {file.name}")

        print("out: bytes, a file beside the one that is there, a folder")
        print(f"  {len(await files.read('reports/Japan.csv', max_bytes=1_000_000)):,} bytes")
        print(f"  {await files.download('cars.json', to=out, if_exists='keep_both')}")
        for path in sorted(await files.download_directory("reports", to=out)):
            print(f"  {path}")


if __name__ == "__main__":
    folder = Path("out", "files_in_and_out").resolve()
    (folder / "notes").mkdir(parents=True, exist_ok=True)
    (folder / "notes" / "readme.txt").write_text("406 cars")
    asyncio.run(move(folder / "notes", folder))
