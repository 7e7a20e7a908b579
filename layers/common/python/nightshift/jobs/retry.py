"""When, if at all, a failed attempt is tried again: pure decisions, randomness comes in."""

from dataclasses import dataclass
from enum import StrEnum

MAX_RETRY_AFTER_S = 86_400.0
_MAX_EXPONENT = 60


class Backoff(StrEnum):
    """How the delay grows with the number of the retry."""

    EXPONENTIAL = "exponential"
    LINEAR = "linear"
    CONSTANT = "constant"
    LIST = "list"


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """Delays in seconds. With `jitter` a delay is drawn evenly from its upper half.

    `delays_s` serves `Backoff.LIST` only; past its end the last delay repeats.
    """

    backoff: Backoff = Backoff.EXPONENTIAL
    delay_s: float = 5.0
    max_delay_s: float = 900.0
    jitter: bool = True
    delays_s: tuple[float, ...] = ()


def nominal_delay_s(policy: RetryPolicy, retry_number: int) -> float:
    """Return the delay before the `retry_number`-th retry (from 1), without jitter."""
    if policy.backoff is Backoff.LIST:
        delays = policy.delays_s or (policy.delay_s,)
        return delays[min(retry_number, len(delays)) - 1]
    if policy.backoff is Backoff.EXPONENTIAL:
        factor = 1 << min(retry_number - 1, _MAX_EXPONENT)
    else:
        factor = retry_number if policy.backoff is Backoff.LINEAR else 1
    return min(policy.max_delay_s, policy.delay_s * factor)


def retry_delay_s(
    policy: RetryPolicy,
    *,
    retry_number: int,
    max_retries: int,
    retryable: bool,
    retry_after_s: float | None,
    random: float,
) -> float | None:
    """Return the seconds to wait before the `retry_number`-th retry, None to give up.

    `random` is drawn from [0, 1). A receiver's `retry_after_s` (RFC 9110 section 10.2.3) is
    honoured where it is longer than the policy's own delay, up to a day.
    """
    if not retryable or retry_number > max_retries:
        return None
    delay = nominal_delay_s(policy, retry_number)
    if policy.jitter:
        delay *= 0.5 + random / 2
    if retry_after_s is not None:
        delay = max(delay, min(retry_after_s, MAX_RETRY_AFTER_S))
    return delay
