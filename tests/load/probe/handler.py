"""The listener as it is, with one more line for each batch: when it arrived and what it used.

`bench_lateness` puts this file in the place of the listener's handler, which is `original` then.
"""

import json
import time
from typing import Any

import original  # type: ignore[import-not-found]  # a link beside this file's copy


def handler(event: dict[str, Any], context: Any) -> Any:
    """Do what the listener does."""
    arrived, cpu = time.time(), time.process_time()
    answer = original.handler(event, context)
    line = {
        "action": "bench.batch",
        "arrived": arrived,
        "ended": time.time(),
        "cpu_s": time.process_time() - cpu,
        "runs": [
            {
                "id": json.loads(record["body"])["j"],
                "sent": int(record["attributes"]["SentTimestamp"]) / 1000,
            }
            for record in event["Records"]
        ],
    }
    print(json.dumps(line))
    return answer
