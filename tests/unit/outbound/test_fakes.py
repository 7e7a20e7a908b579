import asyncio

from nightshift.outbound.fakes import ScriptedSender, answer
from nightshift.ports.sender import OutboundRequest, Outcome, Sender

REQUEST = OutboundRequest(method="POST", url="http://a.example/", headers={}, body=b"", timeout_s=1)


def test_a_scripted_sender_answers_as_told_and_keeps_the_requests() -> None:
    """The script decides on each request; every request is kept in order."""
    fake = ScriptedSender(lambda request: answer(410 if request is REQUEST else 200))
    sender: Sender = fake
    found = asyncio.run(sender.send(REQUEST))
    asyncio.run(sender.aclose())
    assert (found.status, found.ok) == (410, False)
    assert fake.requests == [REQUEST]
    assert fake.closed


def test_without_a_script_every_call_is_answered() -> None:
    """A sender that nobody instructed answers 200."""
    assert asyncio.run(ScriptedSender().send(REQUEST)).ok


def test_a_failed_answer_has_no_status() -> None:
    """An outcome other than answered carries no status."""
    found = answer(outcome=Outcome.TIMED_OUT)
    assert found.status is None
    assert not found.ok
