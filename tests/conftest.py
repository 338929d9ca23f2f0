from pathlib import Path

import pytest

PUBLISHED = Path(__file__).parents[2] / "shared" / "openapi"


@pytest.fixture(scope="session")
def published() -> Path:
    """The service's OpenAPI documents, their examples, and recorded traffic."""
    if not PUBLISHED.is_dir():
        pytest.skip("the service's published documents are not beside the checkout")
    return PUBLISHED


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the soak; here, since pytest asks only the outermost files for them."""
    parser.addoption(
        "--soak-minutes", type=float, default=0.75, help="how long the soak of a server goes on"
    )
    parser.addoption(
        "--soak-seed", type=int, default=None, help="what decides on what the soak does"
    )
