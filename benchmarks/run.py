"""What one run has measured, as it is kept in a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import Row, Summary, Verdict


@dataclass(frozen=True, kw_only=True)
class Run:
    """Some cases, measured one after the other.

    Attributes:
        about: The day, the machine and the versions, by name.
        sections: What was measured.
    """

    about: Mapping[str, str]
    sections: Sequence[Summary]

    @property
    def cases(self) -> Mapping[str, Sequence[Summary]]:
        """The sections of each case."""
        return {
            name: [each for each in self.sections if each.case == name]
            for name in dict.fromkeys(each.case for each in self.sections)
        }

    def write(self, file: Path) -> None:
        """Keep it as JSON."""
        content = {"about": self.about, "sections": [asdict(each) for each in self.sections]}
        file.write_text(json.dumps(content, indent=1) + "\n")

    @classmethod
    def read(cls, file: Path) -> "Run":
        """Return what `write` has kept."""
        content = json.loads(file.read_text())
        return cls(
            about=content["about"], sections=[_summary(**each) for each in content["sections"]]
        )


def _summary(rows: Sequence[Any], targets: Sequence[Any], **members: Any) -> Summary:
    return Summary(
        rows=tuple(Row(**row) for row in rows),
        targets=tuple(Verdict(**verdict) for verdict in targets),
        **members,
    )
