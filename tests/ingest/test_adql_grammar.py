"""The tests' own archive understands queries, and refuses what is none."""

import pytest
from adql_grammar import AdqlError, to_sql


@pytest.mark.parametrize(
    ("adql", "sql"),
    [
        ("select top 5 * from t", "SELECT * FROM t LIMIT 5"),
        ("SELECT a.x AS y, COUNT(*) n FROM s.t AS a", "SELECT a.x AS y, COUNT(*) AS n FROM s.t AS a"),
        (
            "SELECT g.a FROM t AS g LEFT JOIN u ap ON g.id = ap.id WHERE g.a < 1.4 AND ap.b IS NOT NULL",
            "SELECT g.a FROM t AS g LEFT JOIN u AS ap ON g.id = ap.id WHERE g.a < 1.4 AND ap.b IS NOT NULL",
        ),
        (
            "SELECT a FROM t WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 1, -2.5, .5))",
            "SELECT a FROM t WHERE 1 = ADQL_CONTAINS(ADQL_POINT('ICRS', ra, dec), "
            "ADQL_CIRCLE('ICRS', 1, -2.5, .5))",
        ),
        (
            "SELECT a FROM t WHERE (a > 1 OR NOT b BETWEEN 2 AND 3) AND c IN (1, 2) ORDER BY a DESC, b",
            "SELECT a FROM t WHERE (a > 1 OR NOT b BETWEEN 2 AND 3) AND c IN (1, 2) ORDER BY a DESC, b",
        ),
        ("SELECT (a + 1) / 2 FROM t WHERE (a + 1) > 2", "SELECT (a + 1) * 1.0 / 2 FROM t WHERE (a + 1) > 2"),
    ],
)
def test_queries_are_understood(adql: str, sql: str) -> None:
    assert to_sql(adql) == sql


@pytest.mark.parametrize(
    "adql",
    [
        "",
        "SELECT FROM t",
        "SELECT a t",
        "SELECT a FROM t LIMIT 5",
        "SELECT a FROM t WHERE a == 1",
        "SELECT a FROM t WHERE a < ",
        "SELECT a FROM t WHERE a",
        "SELECT a FROM t; DROP TABLE t",
        "SELECT a FROM t WHERE SIN_TABLE(a) = 1",
        "SELECT a FROM t WHERE 1 = CONTAINS(POINT('ICRS', ra), CIRCLE('ICRS', 1, 2, 3))",
        "SELECT a FROM t WHERE 1 = CONTAINS(POINT('ICRS', 1, 2), POLYGON('ICRS', 1, 2, 3, 4, 5))",
        "SELECT a FROM t LEFT JOIN u WHERE a = 1",
        "SELECT a FROM t WHERE (a = 1",
        "DELETE FROM t",
    ],
)
def test_what_is_no_query_is_refused(adql: str) -> None:
    with pytest.raises(AdqlError):
        to_sql(adql)
