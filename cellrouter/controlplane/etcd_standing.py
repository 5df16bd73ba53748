"""How a key in etcd stands to what is active, for people: each change of that is logged, and logged once."""

from collections.abc import Callable
from enum import Enum

from twisted.logger import Logger

from cellrouter.snapshots.accepted import Accepted
from cellrouter.snapshots.etcd_codec import EtcdUnusable

HOW_TO_RELEASE = "release it with cellrouter apply --override REASON, or put the key back"


class KeyState(Enum):
    """What became of what the key holds."""

    UNSEEN = "unseen"
    ACTIVE = "active"
    HELD = "held"
    MISSING = "missing"
    REFUSED = "refused"
    NOT_CHECKED = "not_checked"
    NOT_STORED = "not_stored"


class KeyStanding:
    """What became of what the key holds, and whether etcd is of any use.

    :ivar name: what the key is called in messages.
    :ivar state: what became of what the key holds.
    :ivar problems: why it is not active, one line each.
    :ivar trouble: why etcd is of no use at the moment; empty when it is.

    :param name: that.
    :param active: gives what is active.
    """

    log = Logger()

    def __init__(self, name: str, active: Callable[[], Accepted | None]) -> None:
        self.state = KeyState.UNSEEN
        self.problems: tuple[str, ...] = ()
        self.trouble = ""
        self.name = name
        self._active = active
        self._lost_by: type[EtcdUnusable] | None = None

    @property
    def differs(self) -> bool:
        """Whether the key says something else than what is active, or nothing that could be."""
        return self.state not in (KeyState.ACTIVE, KeyState.UNSEEN)

    def reasons(self) -> list[str]:
        """Say why what the key holds is not active, or cannot be known to be; one line each."""
        return [self.trouble, *self.problems] if self.trouble else [*self.problems]

    def lost(self, error: EtcdUnusable) -> None:
        """Note that etcd is of no use.

        :param error: says why.
        """
        self.trouble = str(error)
        if self._lost_by is not type(error):
            self._lost_by = type(error)
            self.log.error(
                "{error}; {active} stays active, and nothing can be changed until that is over",
                error=error,
                active=self._what_is_active,
            )

    def found(self, endpoint: str) -> None:
        """Note that etcd is of use.

        :param endpoint: where it is.
        """
        if self._lost_by is not None:
            self.log.info("{endpoint}: etcd is back", endpoint=endpoint)
        self.trouble, self._lost_by = "", None

    def note(self, state: KeyState, problems: list[str]) -> None:
        """Note what became of what the key holds.

        :param state: that.
        :param problems: why it is not active: each is logged as a line of its own, or that they are over.
        """
        before, self.problems = (self.state, self.problems), tuple(problems)
        self.state = state
        if before == (state, self.problems) and state is not KeyState.REFUSED:
            return
        active = self._what_is_active
        for problem in problems:
            self.log.error("{name}: {problem}", name=self.name, problem=problem)
        if state is KeyState.HELD:
            self.log.error(
                "{name} is held; {active} stays active; {how}",
                name=self.name,
                active=active,
                how=HOW_TO_RELEASE,
            )
        elif problems:
            self.log.error("{name} is not taken; {active} stays active", name=self.name, active=active)
        elif before[1]:
            self.log.info("{name} is in order again; {active} is active", name=self.name, active=active)

    @property
    def _what_is_active(self) -> str:
        active = self._active()
        return "no config" if active is None else f"revision {active.revision}"
