from infra.local.pages import mails_of


def test_captured_mail_is_listed_newest_first() -> None:
    """Every recipient, both bodies, the time in UTC."""
    document = {
        "messages": {
            "000000000000": [
                {
                    "To": ["a@example.com"],
                    "CC": ["c@example.com"],
                    "Subject": "first",
                    "BodyText": "text",
                    "BodyHtml": None,
                    "Timestamp": 1700000000.5,
                },
                {
                    "To": ["b@example.com"],
                    "Subject": "second",
                    "BodyHtml": "<p>html</p>",
                    "Timestamp": "2026-01-01T01:00:00+01:00",
                },
            ]
        }
    }

    mails = mails_of(document)

    assert ["second", "first"] == [mail["subject"] for mail in mails]
    assert {
        "to": ["a@example.com", "c@example.com"],
        "subject": "first",
        "text": "text",
        "html": "",
        "sent_at": "2023-11-14T22:13:20.500Z",
    } == mails[1]
    assert "2026-01-01T00:00:00.000Z" == mails[0]["sent_at"]


def test_no_mail_is_an_empty_list() -> None:
    """Nothing has been sent yet."""
    assert [] == mails_of({"messages": {}})
