"""The fake DynamoDB under threads, stale reads, conflicts, faults and TTL."""

import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from nightshift.core.clock import ManualClock, to_epoch_s
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.parameters import Argument
from tests.support.sqs import FakeSQS

TABLE = "things"
Wire = dict[str, Any]
KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
START = datetime(2026, 12, 1, tzinfo=UTC)
ONE = {"N": "1"}


def thing(sk: str = "s", **more: Wire) -> Wire:
    return {"pk": {"S": "p"}, "sk": {"S": sk}, **more}


def add_one(db: FakeDynamoDB) -> None:
    db.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": ONE},
    )


def claim(db: FakeDynamoDB) -> None:
    db.put_item(TableName=TABLE, Item=thing(), ConditionExpression="attribute_not_exists(pk)")


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads change places as often as the interpreter can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_lose_no_update_and_win_one_lock(eager_threads: None) -> None:
    """Concurrent adds all count, and of concurrent claims exactly one succeeds."""
    db = FakeDynamoDB((TABLE,))
    won: list[int] = []

    def work(worker: int) -> None:
        for _ in range(50):
            add_one(db)
        try:
            db.put_item(
                TableName=TABLE,
                Item=thing("lock"),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError:
            return
        won.append(worker)

    in_threads(8, work)
    assert 400 == db.items(TABLE)[1]["n"]
    assert 1 == len(won)
    assert 408 == db.meter.total().calls


def test_threads_see_transactions_whole(eager_threads: None) -> None:
    """A consistent read never sees one half of a transaction."""
    db = FakeDynamoDB((TABLE,), strict=False)
    torn: list[object] = []

    def write(worker: int) -> None:
        for n in range(50):
            value = {"S": f"{worker}-{n}"}
            puts = [{"Put": {"TableName": TABLE, "Item": thing(sk, v=value)}} for sk in "ab"]
            db.transact_write_items(TransactItems=puts)
            items = db.query(
                TableName=TABLE,
                KeyConditionExpression="pk = :p",
                ExpressionAttributeValues={":p": {"S": "p"}},
                ConsistentRead=True,
            )["Items"]
            if len({item["v"]["S"] for item in items}) != 1:
                torn.append(items)

    in_threads(4, write)
    assert [] == torn


def read_count(db: FakeDynamoDB, *, consistent: bool) -> int:
    answer = db.get_item(TableName=TABLE, Key=KEY, ConsistentRead=consistent)
    return int(answer["Item"]["n"]["N"]) if "Item" in answer else 0


def test_stale_reads_lag_by_a_bounded_number_of_writes() -> None:
    """Without ConsistentRead a read may be up to `staleness` writes old, never older."""
    db = FakeDynamoDB((TABLE,), staleness=3, seed=7)
    lags = set()
    for n in range(1, 101):
        add_one(db)
        assert n == read_count(db, consistent=True)
        lags.add(n - read_count(db, consistent=False))
    assert {0, 1, 2, 3} == lags


def test_stale_queries_miss_new_items_and_show_deleted_ones() -> None:
    """A stale Query shows the partition as it was."""
    db = FakeDynamoDB((TABLE,), staleness=2, seed=3)
    request: Wire = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    }
    db.put_item(TableName=TABLE, Item=thing("old"))
    db.put_item(TableName=TABLE, Item=thing("new"))
    db.delete_item(TableName=TABLE, Key={**KEY, "sk": {"S": "old"}})
    views = {tuple(i["sk"]["S"] for i in db.query(**request)["Items"]) for _ in range(50)}
    assert {("new",), ("new", "old"), ("old",)} == views
    strong = db.query(**request, ConsistentRead=True)["Items"]
    assert ["new"] == [item["sk"]["S"] for item in strong]


def test_stale_queries_lag_like_stale_gets() -> None:
    """An item written several times shows in a stale Query as of each of its last writes."""
    db = FakeDynamoDB((TABLE,), staleness=2, seed=3)
    seen = set()
    for _ in range(3):
        add_one(db)
    for _ in range(50):
        (item,) = db.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :p",
            ExpressionAttributeValues={":p": {"S": "p"}},
        )["Items"]
        seen.add(item["n"]["N"])
    assert {"1", "2", "3"} == seen


def test_conflicts_cancel_and_change_nothing() -> None:
    """A conflicting transaction is cancelled as a conflict, a conflicting write is refused."""
    db = FakeDynamoDB((TABLE,), conflict_rate=1.0)
    with pytest.raises(ClientError) as error:
        db.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": thing()}}])
    reasons: Any = error.value.response["CancellationReasons"]
    assert ["TransactionConflict"] == [reason["Code"] for reason in reasons]
    with pytest.raises(ClientError, match="TransactionConflictException"):
        add_one(db)
    assert [] == db.items(TABLE)


def test_batch_get_leaves_the_rest_unprocessed() -> None:
    """With a small batch limit the keys that did not fit come back, and can be asked again."""
    db = FakeDynamoDB((TABLE,), max_batch_get=2)
    db.seed(TABLE, [thing(sk) for sk in "abc"])
    keys = [{**KEY, "sk": {"S": sk}} for sk in "abc"]
    first = db.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
    second = db.batch_get_item(RequestItems=first["UnprocessedKeys"])
    found = [item["sk"]["S"] for a in (first, second) for item in a["Responses"][TABLE]]
    assert (2, ["a", "b", "c"]) == (len(first["Responses"][TABLE]), sorted(found))


def fault_at_first(mode: FaultMode, **more: Argument) -> FakeDynamoDB:
    return FakeDynamoDB((TABLE,), faults=FaultPlan({1: Fault(mode=mode, **more)}))


@pytest.mark.parametrize(
    ("mode", "done"), [(FaultMode.CRASH_BEFORE, 0), (FaultMode.CRASH_AFTER, 1)]
)
def test_crash_leaves_the_call_done_or_not(mode: FaultMode, done: int) -> None:
    """A crash before the call leaves nothing, a crash after it leaves everything."""
    db = fault_at_first(mode)
    with pytest.raises(CrashError):
        claim(db)
    assert done == len(db.items(TABLE)) == len(db.meter.calls)


@pytest.mark.parametrize(("mode", "done"), [(FaultMode.ERROR, 0), (FaultMode.ERROR_AFTER, 1)])
def test_error_says_nothing_of_whether_it_was_done(mode: FaultMode, done: int) -> None:
    """A server's error may stand for a call that was done or one that was not."""
    db = fault_at_first(mode, code="ThrottlingException")
    with pytest.raises(ClientError, match="ThrottlingException"):
        claim(db)
    assert done == len(db.items(TABLE))


def test_lost_answer_makes_a_won_lock_look_lost() -> None:
    """The client's own retry meets its own first write and tells what stands there."""
    db = fault_at_first(FaultMode.ANSWER_LOST)
    with pytest.raises(ClientError) as error:
        db.put_item(
            TableName=TABLE,
            Item=thing(owner_id={"S": "me"}),
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    response: Any = error.value.response
    assert thing(owner_id={"S": "me"}) == response["Item"]


def test_lost_answer_counts_twice_but_not_in_a_transaction() -> None:
    """A bare ADD is repeated, a transaction is kept from it by its token."""
    db = fault_at_first(FaultMode.ANSWER_LOST)
    add_one(db)
    assert [2] == [item["n"] for item in db.items(TABLE)]
    db = fault_at_first(FaultMode.ANSWER_LOST)
    update = {
        "TableName": TABLE,
        "Key": KEY,
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": ONE},
    }
    db.transact_write_items(TransactItems=[{"Update": update}])
    assert [1] == [item["n"] for item in db.items(TABLE)]
    assert [1, 1] == [call.ordinal for call in db.meter.calls]


def test_token_of_a_transaction_ends_after_ten_minutes() -> None:
    """A token repeated ten minutes later is a new transaction."""
    clock = ManualClock(START)
    db = FakeDynamoDB((TABLE,), clock=clock)
    part = {"Put": {"TableName": TABLE, "Item": thing()}}
    counts = []
    for seconds in (0, 599, 1):
        clock.advance(seconds=seconds)
        db.transact_write_items(TransactItems=[part], ClientRequestToken="t")
        counts.append(db.meter.total().write_units)
    assert [2.0, 2.0, 4.0] == counts


@pytest.mark.parametrize(
    ("mode", "seen"),
    [(FaultMode.DELAY, 0), (FaultMode.DELAY_AFTER, 1), (FaultMode.ANSWER_LOST, 1)],
)
def test_delay_lets_others_in(mode: FaultMode, seen: int) -> None:
    """What runs during a delay finds the call not yet done, or done."""
    found: list[int] = []
    db = FakeDynamoDB((TABLE,))
    db.faults = FaultPlan({1: Fault(mode=mode, action=lambda: found.append(len(db.items(TABLE))))})
    db.put_item(TableName=TABLE, Item=thing())
    assert [seen] == found


def test_one_plan_walks_the_calls_of_two_services() -> None:
    """A shared plan numbers a scenario's calls across fakes, so that each can be made to fail."""

    def scenario(plan: FaultPlan) -> tuple[int, int]:
        db = FakeDynamoDB((TABLE,), faults=plan)
        sqs = FakeSQS(ManualClock(START), faults=plan)
        url = sqs.add_queue("q")
        try:
            claim(db)
            sqs.send_message(QueueUrl=url, MessageBody="x")
            add_one(db)
        except CrashError:
            pass
        return int(db.meter.write_units), len(sqs.bodies("q"))

    dry = FaultPlan()
    assert (2, 1) == scenario(dry)
    assert ["PutItem", "SendMessage", "UpdateItem"] == dry.operations()
    crash = Fault(mode=FaultMode.CRASH_AFTER)
    states = [scenario(FaultPlan({n: crash})) for n in range(1, dry.calls + 1)]
    assert [(1, 0), (1, 1), (2, 1)] == states


def test_dead_process_makes_no_more_calls_until_revived() -> None:
    """With `stays_dead` even the clean-up of a dead process crashes."""
    plan = FaultPlan({1: Fault(mode=FaultMode.CRASH_AFTER)}, stays_dead=True)
    db = FakeDynamoDB((TABLE,), faults=plan)
    for _ in range(2):
        with pytest.raises(CrashError):
            add_one(db)
    plan.revive()
    add_one(db)
    assert [2] == [item["n"] for item in db.items(TABLE)]


def test_expire_deletes_only_what_has_passed() -> None:
    """TTL deletes what passed its time, whenever it comes."""
    db = FakeDynamoDB((TABLE,))
    for name, seconds in (("past", -1), ("now", 0), ("next", 60)):
        moment = to_epoch_s(START + timedelta(seconds=seconds))
        db.put_item(TableName=TABLE, Item=thing(name, expires_at={"N": str(moment)}))
    db.put_item(TableName=TABLE, Item=thing("never"))
    assert 1 == db.expire(START)
    assert ["never", "next", "now"] == [item["sk"] for item in db.items(TABLE)]


def test_many_keys_between_two_reads_are_sorted() -> None:
    """Hundreds of keys written in falling order come back in rising order."""
    db = FakeDynamoDB((TABLE,), strict=False)
    db.seed(TABLE, [thing(f"{n:03}") for n in reversed(range(300))])
    answer = db.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :p AND sk >= :s",
        ExpressionAttributeValues={":p": {"S": "p"}, ":s": {"S": "290"}},
    )
    assert [f"{n}" for n in range(290, 300)] == [item["sk"]["S"] for item in answer["Items"]]


def test_many_keys_stay_in_order() -> None:
    """A partition stays sorted through inserts and deletes in any order."""
    db = FakeDynamoDB((TABLE,), strict=False)
    keys = [f"{n * 7919 % 1000:03}" for n in range(1000)]
    request: Wire = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    }
    for index, sk in enumerate(keys):
        db.put_item(TableName=TABLE, Item=thing(sk))
        if index % 100 == 0:
            db.query(**request)
        if index % 3 == 0:
            db.delete_item(TableName=TABLE, Key={**KEY, "sk": {"S": sk}})
    left = sorted(sk for index, sk in enumerate(keys) if index % 3)
    assert left == [item["sk"]["S"] for item in db.query(**request)["Items"]]
