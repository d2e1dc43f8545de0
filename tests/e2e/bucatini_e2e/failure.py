"""The two ways a run ends badly: something the run needs is absent, or something it checked is not so."""


class Failure(Exception):
    """A check did not hold; the message says what was expected and what was found."""


class Missing(Failure):
    """Something the run needs is absent or damaged. Never a reason to skip: the run fails and names it."""


def expect_equal(what: str, expected, found) -> None:
    """Fail with both sides, one below the other, so that a difference can be seen without a tool."""
    if expected != found:
        raise Failure(f"{what} differs\n  expected: {expected}\n  found:    {found}")
