"""Quantities: parsing, canonical text, rounding."""

import pytest

from apimachinery.quantity import Quantity, QuantityError

CANONICAL = {
    "1000m": "1", "1.5": "1500m", "0.5": "500m", "1.5Gi": "1536Mi", "1024Ki": "1Mi", "1023": "1023",
    "0.5Ki": "512", "1.5Ki": "1536", "0.1Mi": "104857600m", "12e6": "12e6", "1E": "1E", "1500M": "1500M",
    "0.0000000001": "1n", "-1.5": "-1500m", ".5": "500m", "5.": "5", "0Ki": "0", "+7": "7",
    "12345678901234567890": "9223372036854775807",
    "1e-999999999": "1e-9", "1e999999999": "9223372036854775807", "1e000000000000003": "1e3",
    f"0.{'0' * 9000}1": "1n",
    "9" * 9000: "9223372036854775807",
}  # fmt: skip


@pytest.mark.parametrize(("text", "canonical"), CANONICAL.items(), ids=[text[:20] for text in CANONICAL])
def test_text_is_canonical_after_parsing(text: str, canonical: str) -> None:
    assert str(Quantity.parse(text)) == canonical


@pytest.mark.parametrize("text", ["", "abc", "1x", "1KiB", "1e", "--1", "1 Gi", "Ki", ".", "0x10"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        Quantity.parse(text)


def test_numbers_of_json_are_quantities() -> None:
    assert (str(Quantity.parse(2)), str(Quantity.parse(0.25))) == ("2", "250m")


@pytest.mark.parametrize(
    ("text", "whole", "milli"),
    [("100m", 1, 100), ("1.0001", 2, 1001), ("-1.5", -2, -1500), ("1Ki", 1024, 1024000), ("0", 0, 0)],
)
def test_values_round_away_from_zero(text: str, whole: int, milli: int) -> None:
    assert (Quantity.parse(text).value(), Quantity.parse(text).milli_value()) == (whole, milli)


def test_sums_keep_the_suffix_of_what_is_not_zero() -> None:
    total = Quantity.parse("0") + Quantity.parse("1Gi") + Quantity.parse("512Mi")
    assert str(total) == "1536Mi"


def test_equal_numbers_are_equal_whatever_their_suffix() -> None:
    assert Quantity.parse("1Ki") == Quantity.parse("1024")
    assert hash(Quantity.parse("1")) == hash(Quantity.parse("1000m"))
    assert Quantity.parse("999m") < Quantity.parse("1")
