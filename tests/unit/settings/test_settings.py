"""Settings: of the server, of a user, and what others know of them when."""

from typing import Any

import pytest

from tests.contract.apps import GENEROUS, Product, make_product
from tests.contract.door import PASSWORD, Answer, register
from tests.support.faults import Fault, FaultMode
from tests.support.interleave import before_write

TASK = {"task_name": "t", "task_schedule": "@daily", "webhook_url": "https://example.com/hook"}
SERVER = {
    "registration_open": True,
    "require_verified_email": False,
    "api_key_max_days": None,
    "product_name": "Nightshift",
    "support_email": None,
}
USER = {"theme": "system", "week_starts_on": "monday", "hour_clock": "24h", "items_per_page": 20}


@pytest.fixture
def product() -> Product:
    """The whole API with an administrator."""
    return make_product()


def ask(product: Product, method: str, path: str, body: object = None, **more: Any) -> Answer:
    """Ask as the user."""
    return product.door(method, path, json_body=body, token=product.token, **more)


@pytest.mark.parametrize(
    ("path", "defaults", "change"),
    [
        ("/settings/server", SERVER, {"registration_open": False, "product_name": "Owl"}),
        ("/settings", USER, {"theme": "dark", "items_per_page": 50}),
    ],
)
class TestChanging:
    """The same for both kinds."""

    def test_defaults_then_changes_then_back(
        self, product: Product, path: str, defaults: dict[str, Any], change: dict[str, Any]
    ) -> None:
        """What is left out stays, null is the default again, and each change is a version."""
        first = ask(product, "GET", path)
        assert (defaults | {"version": 0}, '"0"') == (first.json, first.headers["etag"])
        changed = ask(product, "PATCH", path, change, headers={"if-match": '"0"'})
        assert defaults | change | {"version": 1} == changed.json
        assert changed.json == ask(product, "GET", path).json
        name = next(iter(change))
        back = ask(product, "PATCH", path, {name: None}).json
        assert defaults | change | {name: defaults[name], "version": 2} == back

    def test_a_version_that_is_not_current(
        self, product: Product, path: str, defaults: dict[str, Any], change: dict[str, Any]
    ) -> None:
        """Changes nothing."""
        answer = ask(product, "PATCH", path, change, headers={"if-match": '"7"'})
        assert (412, defaults | {"version": 0}) == (answer.status, ask(product, "GET", path).json)

    def test_what_changes_nothing_makes_no_version(
        self, product: Product, path: str, defaults: dict[str, Any], change: dict[str, Any]
    ) -> None:
        """Neither an empty body nor what stands already, nor the default by name."""
        for body in ({}, defaults, {next(iter(change)): None}):
            assert 0 == ask(product, "PATCH", path, body).json["version"]
        assert [] == product.world.rows("settings")

    @pytest.mark.parametrize("is_first", [True, False])
    def test_of_two_at_once_one_is_told_to_read_again(
        self,
        product: Product,
        path: str,
        defaults: dict[str, Any],
        change: dict[str, Any],
        *,
        is_first: bool,
    ) -> None:
        """Neither the first change nor a later one is written over by who did not see it."""
        names = list(change)
        if not is_first:
            ask(product, "PATCH", path, {names[1]: change[names[1]]})
        product.world.dynamodb.faults = before_write(
            "settings", lambda: ask(product, "PATCH", path, {names[0]: change[names[0]]})
        )
        late = ask(product, "PATCH", path, {names[1]: None if not is_first else change[names[1]]})
        assert (409, "conflict") == (late.status, late.error)
        assert change[names[0]] == ask(product, "GET", path).json[names[0]]

    @pytest.mark.parametrize("mode", [FaultMode.ANSWER_LOST, FaultMode.ERROR_AFTER])
    def test_a_lost_answer(
        self,
        product: Product,
        path: str,
        defaults: dict[str, Any],
        change: dict[str, Any],
        mode: FaultMode,
    ) -> None:
        """The change is made once, and asking again says so."""
        faults = [Fault(mode=mode)]

        def hook(operation: str, _: object) -> Fault | None:
            writes = operation in {"PutItem", "TransactWriteItems"}
            return faults.pop() if writes and faults else None

        product.world.dynamodb.faults = hook
        first = ask(product, "PATCH", path, change)
        product.world.dynamodb.faults = None
        assert (first.status == 200) == (mode is FaultMode.ANSWER_LOST)
        again = ask(product, "PATCH", path, change).json
        assert (change.items() <= again.items(), 1) == (True, again["version"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/settings/server", {"registration_open": "yes"}),
        ("/settings/server", {"registration_open": 1}),
        ("/settings/server", {"api_key_max_days": 0}),
        ("/settings/server", {"api_key_max_days": 1.5}),
        ("/settings/server", {"product_name": ""}),
        ("/settings/server", {"product_name": "a\nb"}),
        ("/settings/server", {"support_email": "nobody"}),
        ("/settings/server", {"support_email": "a@b.example\r\nBcc: c@d.example"}),
        ("/settings/server", {"admin_email": "me@example.com"}),
        ("/settings", {"theme": "purple"}),
        ("/settings", {"items_per_page": 9}),
        ("/settings", {"items_per_page": 101}),
        ("/settings", {"registration_open": False}),
    ],
)
def test_bad_values_are_refused(product: Product, path: str, body: dict[str, Any]) -> None:
    """With the field named, and nothing is stored."""
    answer = ask(product, "PATCH", path, body)
    assert (422, list(body)) == (answer.status, [e["field"] for e in answer.json["errors"]])
    assert [] == product.world.rows("settings")


def test_anybody_may_read_the_public_ones(product: Product) -> None:
    """Those, and no others."""
    ask(product, "PATCH", "/settings/server", {"support_email": "help@example.com"})
    found = product.door("GET", "/settings/public")
    expected = {
        "product_name": "Nightshift",
        "registration_open": True,
        "require_verified_email": False,
        "support_email": "help@example.com",
    }
    assert (200, expected) == (found.status, found.json)


def test_each_user_has_own_settings(product: Product) -> None:
    """They go with the account."""
    bob = register(product.door, "bob@example.com")["access_token"]
    product.door("PATCH", "/settings", token=bob, json_body={"theme": "dark"})
    assert "system" == ask(product, "GET", "/settings").json["theme"]
    assert 1 == len(product.world.rows("settings"))
    assert 204 == product.door("DELETE", "/users/me", token=bob).status
    assert [] == product.world.rows("settings")


def test_a_change_of_the_servers_is_audited(product: Product) -> None:
    """Who, and from what to what; without the event it is not made."""
    ask(product, "PATCH", "/settings/server", {"registration_open": False})
    query = {"action": "settings.server_changed"}
    (event,) = ask(product, "GET", "/audit", query=query).json["items"]
    assert (product.user_id, "settings:server") == (event["actor_id"], event["subject"])
    assert {"registration_open": True} == event["detail"]["before"]
    assert {"registration_open": False} == event["detail"]["after"]
    before = product.world.rows("settings")
    product.world.dynamodb.delete_table(TableName="audit")
    assert 500 == ask(product, "PATCH", "/settings/server", {"registration_open": None}).status
    assert before == product.world.rows("settings")


def test_a_setting_that_is_no_more_is_left_out(product: Product) -> None:
    """What an older release kept does not break this one."""
    ask(product, "PATCH", "/settings/server", {"product_name": "Owl"})
    product.world.dynamodb.update_item(
        TableName="settings",
        Key={"pk": {"S": "SERVER"}, "sk": {"S": "-"}},
        UpdateExpression="SET #set.colour = :blue",
        ExpressionAttributeNames={"#set": "set"},
        ExpressionAttributeValues={":blue": {"S": "blue"}},
    )
    assert (
        SERVER | {"product_name": "Owl", "version": 1}
        == ask(product, "GET", "/settings/server").json
    )


class TestReader:
    """What other contexts know, and when."""

    def register(self, product: Product, door: Any, number: int) -> Answer:
        """Try to make an account."""
        body = {"email": f"n{number}@example.com", "password": PASSWORD, "name": "N"}
        answer: Answer = door("POST", "/auth/register", json_body=body)
        return answer

    def test_closed_registration(self, product: Product) -> None:
        """It counts at once where it was changed, and within ten seconds everywhere."""
        other = product.another_process()
        assert 201 == self.register(product, other, 1).status
        ask(product, "PATCH", "/settings/server", {"registration_open": False})
        refused = self.register(product, product.door, 2)
        assert (403, "registration_closed") == (refused.status, refused.error)
        product.world.clock.advance(seconds=9)
        assert 201 == self.register(product, other, 3).status
        product.world.clock.advance(seconds=1)
        assert 403 == self.register(product, other, 4).status

    def test_it_costs_one_read_in_ten_seconds(self, product: Product) -> None:
        """However many ask."""
        door = product.another_process()
        product.world.dynamodb.meter.reset()
        for _ in range(40):
            door("GET", "/settings/public")
            product.world.clock.advance(seconds=0.5)
        reads = [c for c in product.world.dynamodb.meter.calls if c.table == "settings"]
        assert 2 == len(reads)

    def test_the_age_can_be_set(self, product: Product) -> None:
        """Zero reads it each time."""
        other = product.another_process({**GENEROUS, "NIGHTSHIFT_SETTINGS_CACHE_S": "0"})
        assert 201 == self.register(product, other, 1).status
        ask(product, "PATCH", "/settings/server", {"registration_open": False})
        assert 403 == self.register(product, other, 2).status


class TestVerifiedEmail:
    """Unverified users cannot make tasks once the server's settings say so."""

    def make(self, product: Product, **more: Any) -> list[tuple[int, str]]:
        """Try each way to make a task, and return status and slug."""
        new = "/tasks/0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9e"
        answers = (
            ask(product, "POST", "/tasks", TASK, **more),
            ask(product, "PUT", new, TASK, **more),
            ask(product, "POST", "/tasks/batch", {"tasks": [TASK]}, **more),
        )
        return [(a.status, a.error if a.status >= 400 else "") for a in answers]

    def verify(self, product: Product) -> None:
        """Have the user's address verified."""
        product.world.dynamodb.update_item(
            TableName="identity",
            Key={"pk": {"S": f"USER#{product.user_id}"}, "sk": {"S": "PROFILE"}},
            UpdateExpression="SET email_verified = :yes",
            ExpressionAttributeValues={":yes": {"BOOL": True}},
        )

    def test_by_default_nobody_asks(self, product: Product) -> None:
        """An unverified user makes tasks."""
        assert 403 not in [status for status, _ in self.make(product)]

    def test_once_it_is_set(self, product: Product) -> None:
        """Unverified ones are refused and told why; verified ones are not, nor is reading."""
        ask(product, "PATCH", "/settings/server", {"require_verified_email": True})
        product.world.clock.advance(seconds=11)
        before = product.world.rows("tasks")
        assert [(403, "email_not_verified")] * 3 == self.make(product)
        assert (before, 200) == (product.world.rows("tasks"), ask(product, "GET", "/tasks").status)
        self.verify(product)
        assert 403 not in [status for status, _ in self.make(product)]

    def test_a_key_is_as_verified_as_its_owner(self, product: Product) -> None:
        """A key is no way around it."""
        secret = product.make_key(["tasks:write"])["secret"]
        ask(product, "PATCH", "/settings/server", {"require_verified_email": True})
        product.world.clock.advance(seconds=11)
        found = []
        for _ in range(2):
            found.append(product.door("POST", "/tasks", token=secret, json_body=TASK).status)
            self.verify(product)
        assert [403, 201] == found
