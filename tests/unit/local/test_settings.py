from pathlib import Path

import pytest

from infra.local.settings import SettingError, load_settings


def test_without_settings_there_are_defaults(tmp_path: Path) -> None:
    """Port 8787, state under the project."""
    settings = load_settings(tmp_path, {})

    assert 8787 == settings.port
    assert tmp_path / ".nightshift" == settings.data_dir
    assert {} == settings.functions


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """`.env` gives what the environment does not."""
    (tmp_path / ".env").write_text(
        "# a comment\n"
        "PORT=9001\n"
        "export NIGHTSHIFT_LEASE_S=60  # seconds\n"
        "NIGHTSHIFT_NOTE='a # b'\n"
        "\n"
    )

    settings = load_settings(tmp_path, {"PORT": "9002"})

    assert 9002 == settings.port
    assert {"NIGHTSHIFT_LEASE_S": "60", "NIGHTSHIFT_NOTE": "a # b"} == settings.functions


def test_what_the_template_wires_cannot_be_set_from_outside(tmp_path: Path) -> None:
    """A table's name in the environment does not reach the functions."""
    environ = {
        "NIGHTSHIFT_TASKS_TABLE": "other",
        "NIGHTSHIFT_STAGE": "prod",
        "NIGHTSHIFT_DEFAULT_QUEUE_URL": "https://example.com",
        "NIGHTSHIFT_DATA_DIR": "/data",
        "NIGHTSHIFT_BODY_LIMIT_BYTES": "100000",
        "HOME": "/root",
    }

    settings = load_settings(tmp_path, environ)

    assert {"NIGHTSHIFT_BODY_LIMIT_BYTES": "100000"} == settings.functions
    assert Path("/data") == settings.data_dir


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"PORT": "x"}, "PORT='x' must be a TCP port between 1 and 65535"),
        ({"PORT": "0"}, "PORT='0' must be a TCP port"),
        ({"PORT": "65536"}, "PORT='65536' must be"),
        ({"PORT": "٣"}, "PORT='٣' must be"),
        ({"NIGHTSHIFT_WORKERS": "-1"}, "NIGHTSHIFT_WORKERS='-1' must be a number of processes"),
    ],
)
def test_a_bad_value_is_named_with_what_would_be_right(
    tmp_path: Path, environ: dict[str, str], wanted: str
) -> None:
    """The message holds the name, the value and the bounds."""
    with pytest.raises(SettingError, match=wanted):
        load_settings(tmp_path, environ)


def test_a_line_that_is_no_assignment_is_named(tmp_path: Path) -> None:
    """A typing error in `.env` does not pass silently."""
    (tmp_path / ".env").write_text("PORT=1\nPORT 9001\n")

    with pytest.raises(SettingError, match=r"\.env line 2"):
        load_settings(tmp_path, {})
