import pytest

from tests.integration.stack.harness import Stack

pytestmark = pytest.mark.stack


def test_everything_in_the_template_stands(stack: Stack) -> None:
    """After the start nothing differs between the template and what stands."""
    assert [] == stack.state()["report"]["differences"]
    assert [] == stack.state()["report"]["unsupported"]


def test_a_user_can_register_and_be_told_who_it_is(stack: Stack) -> None:
    """The public API works through the front."""
    user = stack.register()

    reply = stack.get("/api/v1/users/me", token=user.access_token)

    assert 200 == reply.status
    assert user.email == reply.json()["email"]
