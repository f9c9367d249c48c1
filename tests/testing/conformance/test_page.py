"""The page on the suite names all that an author has to write."""

from __future__ import annotations

from sayso.testing.conformance import Driver
from tests.docs.pages import ROOT, code_spans, section

PAGE = ROOT / "docs" / "reference" / "conformance.md"


def test_every_member_of_the_driver_is_on_the_page() -> None:
    members = {name for name in vars(Driver) if not name.startswith("_")}
    assert members <= code_spans(section(PAGE, "The driver"))
