"""Settings of the cache."""

from dataclasses import dataclass

from nightshift.core.environment import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheTable:
    """Where the second level lies."""

    cache_table: str = setting(doc="The table of cached results.", wiring=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheSettings:
    """How much a process keeps for itself, and for how long."""

    cache_l1_entries: int = setting(
        default=256, unit="entries", ge=0, le=100_000,
        doc="How many cached results one process keeps in its memory; 0 keeps none.",
    )  # fmt: skip
    cache_l1_bytes: int = setting(
        default=16_777_216, unit="bytes", ge=0, le=1_073_741_824,
        doc="How large the cached results in one process's memory may be together.",
    )  # fmt: skip
    cache_l1_ttl_s: float = setting(
        default=5.0, unit="seconds", ge=0, le=3600,
        doc="For how long a process believes its own copy: what is invalidated elsewhere may be "
        "served by it for as long.",
    )  # fmt: skip
