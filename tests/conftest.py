from pathlib import Path

import pytest

PUBLISHED = Path(__file__).parents[2] / "shared" / "openapi"


@pytest.fixture(scope="session")
def published() -> Path:
    """The service's OpenAPI documents, their examples, and recorded traffic."""
    if not PUBLISHED.is_dir():
        pytest.skip("the service's published documents are not beside the checkout")
    return PUBLISHED
