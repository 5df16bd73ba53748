"""Prints how many vectors there are: ``python -m tests.conformance``."""

from collections.abc import Iterator

from tests.conformance import requests, responses

SIDES = {"request": requests.GROUPS, "response": responses.GROUPS}


def table() -> Iterator[str]:
    """Give the lines of a table of groups, sides and vectors, with a sum for each side."""
    yield f"{'group':20}{'side':12}{'vectors':>7}"
    for side, groups in SIDES.items():
        for group, rows in groups.items():
            yield f"{group:20}{side:12}{len(rows):7}"
    for side, groups in SIDES.items():
        yield f"{'all':20}{side:12}{sum(map(len, groups.values())):7}"


if __name__ == "__main__":
    print(*table(), sep="\n")
