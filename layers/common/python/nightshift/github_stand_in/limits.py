"""The stand-in's primary rate limits: so many requests of a resource in a window."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """How many requests are answered in how many seconds, with a token and without."""

    with_token: int
    without: int
    length_s: int


REAL = {
    "core": Window(with_token=5_000, without=60, length_s=3_600),
    "search": Window(with_token=30, without=10, length_s=60),
}
"""GitHub's own."""
GENEROUS = {
    "core": Window(with_token=100_000, without=100_000, length_s=3_600),
    "search": Window(with_token=10_000, without=10_000, length_s=60),
}
"""For a laptop, on which nobody wants to wait."""


@dataclass(kw_only=True, slots=True)
class Meter:
    """Counts requests by resource and window."""

    windows: dict[str, Window] = field(default_factory=lambda: dict(REAL))
    used: dict[tuple[str, bool, int], int] = field(default_factory=dict)

    def look(self, resource: str, now_s: int, *, has_token: bool, cost: int) -> dict[str, str]:
        """Count a request and return the headers; `x-ratelimit-remaining` is -1 beyond the end."""
        window = self.windows[resource]
        limit = window.with_token if has_token else window.without
        start = now_s - now_s % window.length_s
        key = (resource, has_token, start)
        spent = self.used.get(key, 0)
        over = cost > 0 and spent >= limit
        if not over:
            self.used[key] = spent + cost
        return {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": "-1" if over else str(limit - self.used[key]),
            "x-ratelimit-used": str(self.used.get(key, spent)),
            "x-ratelimit-reset": str(start + window.length_s),
            "x-ratelimit-resource": resource,
        }
