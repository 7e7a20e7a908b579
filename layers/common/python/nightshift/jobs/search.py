"""Looking for jobs among an owner's: by kind, queue, status and time, in bounded portions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from nightshift.core.clock import to_ms
from nightshift.core.ids import first_id, id_time
from nightshift.jobs.model import JobStatus, Order, QueueName
from nightshift.jobs.orders import OrderStore
from nightshift.jobs.store import JobStore
from nightshift.jobs.views import JobView, view_of_order

PORTION = 100
"""How many orders are read at once; their records and seats are then read in two more calls."""
MAX_LOOKED_AT = 500
"""How many orders one page looks at; a page that found less has a cursor to go on."""
ID_SLACK_MS = int(timedelta(days=2) / timedelta(milliseconds=1))
"""How far a job's id may lie from its creation: a repeated request keeps the first one's id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFilter:
    """Which jobs are meant; what is empty or None leaves all. Times are in milliseconds, inclusive.

    Attributes:
        created_after_ms: since the epoch, as is `created_before_ms`.
    """

    kind: str | None = None
    queue: QueueName | None = None
    statuses: frozenset[JobStatus] = frozenset()
    created_after_ms: int | None = None
    created_before_ms: int | None = None

    def takes_order(self, order: Order) -> bool:
        """Tell whether a job may be meant, as far as its order says."""
        ref = order.ref
        return (
            self.kind in {None, ref.kind}
            and self.queue in {None, ref.queue}
            and (self.created_after_ms is None or order.created_ms >= self.created_after_ms)
            and (self.created_before_ms is None or order.created_ms <= self.created_before_ms)
        )

    def takes(self, view: JobView) -> bool:
        """Tell whether a job is meant whose order is taken."""
        return not self.statuses or view.status in self.statuses

    def first_after(self) -> str | None:
        """Return the id after which, going back in time, the first job may lie; None: any."""
        if self.created_before_ms is None:
            return None
        return first_id(self.created_before_ms + ID_SLACK_MS)

    def is_past(self, job_id: str) -> bool:
        """Tell whether no older job than this one can be meant."""
        if self.created_after_ms is None:
            return False
        return to_ms(id_time(job_id)) + ID_SLACK_MS < self.created_after_ms


EVERY_JOB = JobFilter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Portion:
    """Some of an owner's jobs, newest first. `after` is the id to go on after, None at the end."""

    views: Sequence[JobView]
    after: str | None


class JobSearch:
    """Reads an owner's jobs as they stood a moment ago."""

    def __init__(self, orders: OrderStore, store: JobStore) -> None:
        self._orders = orders
        self._store = store

    def page(
        self, owner_id: str, wanted: JobFilter, *, start_after: str | None, limit: int
    ) -> tuple[list[JobView], str | None]:
        """Return up to `limit` jobs, newest first, and the id to go on after or None.

        At most `MAX_LOOKED_AT` jobs are looked at, so a page may hold fewer and still have a next.
        """
        found: list[JobView] = []
        looked_at = 0
        size = limit + 1 if wanted == EVERY_JOB else PORTION
        for portion in self.portions(owner_id, wanted, start_after=start_after, size=size):
            for view in portion.views:
                if len(found) == limit:
                    return found, found[-1].ref.job_id
                found.append(view)
            looked_at += size
            if portion.after is None:
                break
            if looked_at >= MAX_LOOKED_AT:
                return found, portion.after
        return found, None

    def portions(
        self, owner_id: str, wanted: JobFilter, *, start_after: str | None, size: int = PORTION
    ) -> Iterator[Portion]:
        """Yield what is wanted among each `size` of the owner's jobs, newest first."""
        after = start_after or wanted.first_after()
        while True:
            orders = self._orders.page(owner_id, start_after=after, limit=size)
            after = orders[-1].ref.job_id if len(orders) == size else None
            if after is not None and wanted.is_past(after):
                after = None
            views = self.views([order for order in orders if wanted.takes_order(order)])
            yield Portion(views=[view for view in views if wanted.takes(view)], after=after)
            if after is None:
                return

    def views(self, orders: Sequence[Order]) -> list[JobView]:
        """Return how these jobs stood a moment ago, in their order."""
        if not orders:
            return []
        refs = [order.ref for order in orders]
        records, seats = self._store.find_records(refs), self._store.find_seats(refs)
        return [
            view_of_order(o, records.get(o.ref.job_id), seats.get(o.ref.job_id)) for o in orders
        ]
