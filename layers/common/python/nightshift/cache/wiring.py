"""Builds the cache, one a process."""

import os
import uuid
from functools import cache

from nightshift.adapters.blobs import S3Blobs
from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.cache.memory import Memory
from nightshift.cache.service import Cache
from nightshift.cache.settings import CacheSettings, CacheTable
from nightshift.cache.store import CacheStore
from nightshift.core.clock import Clock, SystemClock
from nightshift.core.environment import load
from nightshift.jobs.settings import EngineSettings
from nightshift.observability import Log, get_log
from nightshift.ports.blobs import Blobs


def build_cache(
    table: Table, blobs: Blobs, *, clock: Clock, log: Log, settings: CacheSettings
) -> Cache:
    """Return a cache over a table and a bucket."""

    def new_token() -> str:
        return uuid.uuid4().hex

    return Cache(
        store=CacheStore(table, blobs, clock, new_token),
        memory=Memory(
            clock,
            entries=settings.cache_l1_entries,
            max_bytes=settings.cache_l1_bytes,
            ttl_s=settings.cache_l1_ttl_s,
        ),
        clock=clock,
        log=log,
        new_token=new_token,
    )


@cache
def get_cache() -> Cache:
    """Return the process's cache over AWS, from its environment.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    table = load(CacheTable, os.environ).cache_table
    bucket = load(EngineSettings, os.environ).payloads_bucket
    return build_cache(
        Table(clients.dynamodb(), table),
        S3Blobs(clients.s3, bucket),
        clock=SystemClock(),
        log=get_log(),
        settings=load(CacheSettings, os.environ),
    )
