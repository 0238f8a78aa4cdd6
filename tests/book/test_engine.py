"""The embedded engine: alone on its machine, in the unit's time zone."""

import pytest

from kamlib.book.engine import embedded
from kamlib.errors import BookError


def test_an_engine_that_fetches_nothing_and_knows_the_zone():
    con = embedded("Asia/Shanghai")
    found = con.raw_sql(
        "select current_setting('TimeZone'), current_setting('autoinstall_known_extensions')"
    ).fetchall()
    assert found == [("Asia/Shanghai", False)]
    with pytest.raises(BookError, match="'Mars/Olympus' is not a time zone; use a name such as"):
        embedded("Mars/Olympus")
