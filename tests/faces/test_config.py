"""Settings: found where a user would look, and wrong ones told all at once."""

from decimal import Decimal
from pathlib import Path

import pytest

from tidewaiter.core.errors import InputError
from tidewaiter.faces.config import DEFAULT_LAKE, config_of, read_config

GOOD = """
lake = "country/lake"

[administration]
name = "Customs of Meridia"
currency = "kwd"
time_zone = "Asia/Kuwait"
material_duty = "12.500"
"""


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIDEWAITER_CONFIG", raising=False)
    monkeypatch.delenv("TIDEWAITER_LAKE", raising=False)


def test_a_folder_without_settings_uses_the_defaults(tmp_path: Path) -> None:
    config = read_config(tmp_path)
    assert (config.lake, config.administration) == (DEFAULT_LAKE, None)


def test_the_lake_is_named_from_where_the_settings_stand(tmp_path: Path) -> None:
    (tmp_path / "tidewaiter.toml").write_text(GOOD)
    assert read_config(tmp_path).lake == tmp_path / "country" / "lake"


def test_the_administration_is_read_with_its_currency_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "tidewaiter.toml").write_text(GOOD)
    administration = read_config(tmp_path).administration
    assert administration is not None
    assert (administration.currency, administration.material_duty) == ("KWD", Decimal("12.500"))


def test_the_environment_names_another_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tidewaiter.toml").write_text(GOOD)
    monkeypatch.setenv("TIDEWAITER_LAKE", str(tmp_path / "other"))
    assert read_config(tmp_path).lake == tmp_path / "other"


def test_every_wrong_setting_is_told_with_its_remedy(tmp_path: Path) -> None:
    file = tmp_path / "tidewaiter.toml"
    file.write_text('lkae = "x"\n[administration]\ncurrency = "won"\ntime_zone = "Seoul"\nmaterial_duty = "much"\n')
    with pytest.raises(InputError) as error:
        config_of(file)
    text = str(error.value)
    assert "'lkae' is not a setting; did you mean 'lake'?" in text
    assert "administration.time_zone: 'Seoul' is not a zone" in text
    assert "administration.material_duty: is not a number" in text


def test_a_file_that_is_no_toml_says_so_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "tidewaiter.toml"
    file.write_text("lake = \n")
    with pytest.raises(InputError, match=r"tidewaiter\.toml: is not TOML: .*line 1"):
        config_of(file)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("administration = 5", "administration: is not a table"),
        ('lake = ""', "lake: is not text"),
        ('[administration]\nmaterial_duty = "NaN"', "material_duty: is not a number from 0"),
        ("[administration]\nmaterial_duty = -5", "material_duty: is not a number from 0"),
        ('[administration]\ntime_zone = "Asia"', "'Asia' is not a zone"),
        ('[administration]\ncurrency = "ÉÉÉ"', "is not an ISO 4217 code"),
    ],
)
def test_a_setting_that_is_no_setting_is_not_passed_over(text: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "tidewaiter.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=problem):
        config_of(file)
