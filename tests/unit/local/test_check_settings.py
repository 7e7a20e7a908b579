import pytest

from infra.local.check_settings import main, models
from nightshift.core.environment import describe


def test_good_settings_pass_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    """An environment without any of our settings is fine."""
    assert 0 == main({"HOME": "/root"})
    assert "" == capsys.readouterr().out


def test_a_bad_value_fails_once_however_many_functions_read_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The line names the setting and its bounds."""
    assert 1 == main({"NIGHTSHIFT_BODY_LIMIT_BYTES": "many"})
    lines = capsys.readouterr().out.splitlines()
    assert 1 == len(lines)
    assert lines[0].startswith("NIGHTSHIFT_BODY_LIMIT_BYTES='many' must be")


def test_an_unknown_name_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error in a name does not stop the start, but is said."""
    assert 0 == main({"NIGHTSHIFT_BODDY_LIMIT": "1"})
    assert "warning: NIGHTSHIFT_BODDY_LIMIT is no setting\n" == capsys.readouterr().out


def test_every_default_is_within_its_own_bounds() -> None:
    """A default that its own check refuses would stop every start."""
    for model in models():
        for info in describe(model):
            if isinstance(info.default, int | float):
                assert info.ge is None or info.default >= info.ge
                assert info.le is None or info.default <= info.le
