"""Results of jobs: small ones stay in the record, large ones go to the payloads bucket."""

import json
from dataclasses import replace

from nightshift.jobs.model import OutputRef, Result, Seat
from nightshift.jobs.retention import result_key
from nightshift.ports.blobs import Blobs

INLINE_BYTES = 1_024
"""The largest result kept in the record, which is read and written whole."""
JSON_TYPE = "application/json"


class Results:
    """Puts results where they belong."""

    def __init__(self, blobs: Blobs, *, retention_s: int) -> None:
        self._blobs = blobs
        self._retention_s = retention_s

    def kept(self, seat: Seat, result: Result) -> Result:
        """Return the result fit for a record; what is too large lies in the bucket by then.

        The same attempt writes to the same key, so that a repeat replaces its first try. A value
        that is no JSON makes a failure of it, which no further attempt would mend.
        """
        if result.value is None or result.output is not None:
            return result
        try:
            data = json.dumps(result.value, separators=(",", ":"), allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            said = f"The result is no JSON: {error}"
            return Result(succeeded=False, error="bad_result", message=said, retryable=False)
        if len(data) <= INLINE_BYTES:
            return result
        key = result_key(seat.ref.job_id, f"{seat.attempt}.json", needed_s=self._retention_s)
        self._blobs.put(key, data, content_type=JSON_TYPE)
        name = f"{seat.ref.kind}-{seat.ref.job_id}.json"
        output = OutputRef(key=key, content_type=JSON_TYPE, filename=name, size=len(data))
        return replace(result, value=None, output=output)
