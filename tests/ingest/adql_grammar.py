"""A parser of the part of ADQL 2.0 that astronomers use, to run queries for real: into SQL for SQLite.

What it does not know is an error, as it is in an archive. Grammar (capitals do not matter):

    query      = SELECT [TOP n] item {, item} FROM table {[LEFT [OUTER] | INNER] JOIN table ON condition}
                 [WHERE condition] [ORDER BY value [ASC | DESC] {, ...}]
    item       = * | name.* | value [[AS] name]
    table      = name[.name] [[AS] name]
    condition  = term {OR term};   term = factor {AND factor};   factor = [NOT] test
    test       = value (= | <> | != | < | <= | > | >=) value | value [NOT] BETWEEN value AND value
               | value [NOT] IN (value, ...) | value IS [NOT] NULL | value [NOT] LIKE value | ( condition )
    value      = sums and products of numbers, 'text', columns, ( value ) and function(value, ...)
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(?P<text>'(?:[^']|'')*')"
    r"|(?P<name>[A-Za-z_]\w*|\"[^\"]+\")|(?P<sign><>|!=|<=|>=|\|\||[-+*/(),.=<>]))"
)
_RESERVED = {
    "SELECT", "TOP", "FROM", "LEFT", "OUTER", "INNER", "JOIN", "ON", "WHERE", "ORDER", "BY", "AND", "OR", "NOT",
    "BETWEEN", "IN", "IS", "NULL", "LIKE", "AS", "ASC", "DESC", "GROUP", "HAVING", "LIMIT", "UNION",
}  # fmt: skip
FUNCTIONS = {
    "COUNT": (1, 1), "MIN": (1, 1), "MAX": (1, 1), "AVG": (1, 1), "SUM": (1, 1), "ABS": (1, 1), "SQRT": (1, 1),
    "POWER": (2, 2), "POINT": (3, 3), "CIRCLE": (4, 4), "POLYGON": (7, 999), "CONTAINS": (2, 2),
    "DISTANCE": (2, 2), "COORD1": (1, 1), "COORD2": (1, 1),
}  # fmt: skip


class AdqlError(Exception):
    """A query that is none."""


@dataclass(frozen=True)
class Token:
    kind: str
    text: str

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "name" else self.text


def tokens(query: str) -> list[Token]:
    found, at, query = [], 0, query.rstrip()
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise AdqlError(f'Encountered "{query[at : at + 10].strip()}" at character {at}.')
        found.append(Token(match.lastgroup or "", match[match.lastgroup or ""]))
        at = match.end()
    return [*found, Token("end", "<EOF>")]


def to_sql(query: str) -> str:
    """Translate a query; tables keep their schema, which is a database that is attached under that name."""
    return _Parser(query).query()


class _Parser:
    def __init__(self, query: str):
        self._tokens = tokens(query)
        self._at = 0

    def query(self) -> str:
        self._expect("SELECT")
        top = f" LIMIT {self._take('number')}" if self._accept("TOP") else ""
        items = self._list(self._item)
        self._expect("FROM")
        tables = self._table()
        while join := self._join():
            tables += f" {join} {self._table()}"
            self._expect("ON")
            tables += f" ON {self._condition()}"
        where = f" WHERE {self._condition()}" if self._accept("WHERE") else ""
        order = ""
        if self._accept("ORDER"):
            self._expect("BY")
            order = f" ORDER BY {self._list(self._ordering)}"
        if self._now.kind != "end":
            raise self._surprise()
        return f"SELECT {items} FROM {tables}{where}{order}{top}"

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _surprise(self) -> AdqlError:
        return AdqlError(f'Encountered "{self._now.text}", which does not belong there.')

    def _accept(self, *words: str) -> str:
        if self._now.kind in ("name", "sign") and self._now.word in words:
            self._at += 1
            return self._tokens[self._at - 1].word
        return ""

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise AdqlError(f'Encountered "{self._now.text}". Was expecting "{word}".')

    def _take(self, kind: str) -> str:
        if self._now.kind != kind or (kind == "name" and self._now.word in _RESERVED):
            raise self._surprise()
        self._at += 1
        return self._tokens[self._at - 1].text

    def _list(self, part) -> str:  # type: ignore[no-untyped-def]
        parts = [part()]
        while self._accept(","):
            parts.append(part())
        return ", ".join(parts)

    def _join(self) -> str:
        if self._accept("LEFT"):
            self._accept("OUTER")
            self._expect("JOIN")
            return "LEFT JOIN"
        if self._accept("INNER"):
            self._expect("JOIN")
            return "JOIN"
        return "JOIN" if self._accept("JOIN") else ""

    def _alias(self) -> str:
        if self._accept("AS") or (self._now.kind == "name" and self._now.word not in _RESERVED):
            return f" AS {self._take('name')}"
        return ""

    def _table(self) -> str:
        name = self._take("name")
        if self._accept("."):
            name += f".{self._take('name')}"
        return name + self._alias()

    def _item(self) -> str:
        if self._accept("*"):
            return "*"
        return self._sum() + self._alias()

    def _ordering(self) -> str:
        return f"{self._sum()} {self._accept('ASC', 'DESC')}".strip()

    def _condition(self) -> str:
        parts = [self._term()]
        while self._accept("OR"):
            parts.append(self._term())
        return " OR ".join(parts)

    def _term(self) -> str:
        parts = [self._factor()]
        while self._accept("AND"):
            parts.append(self._factor())
        return " AND ".join(parts)

    def _factor(self) -> str:
        no = "NOT " if self._accept("NOT") else ""
        if self._now.text == "(":  # a condition, or a value that begins with a bracket
            here = self._at
            try:
                self._at += 1
                inner = self._condition()
                self._expect(")")
                return f"{no}({inner})"
            except AdqlError:
                self._at = here
        return no + self._test()

    def _test(self) -> str:
        value = self._sum()
        if self._accept("IS"):
            no = "NOT " if self._accept("NOT") else ""
            self._expect("NULL")
            return f"{value} IS {no}NULL"
        no = "NOT " if self._accept("NOT") else ""
        if self._accept("BETWEEN"):
            low = self._sum()
            self._expect("AND")
            return f"{value} {no}BETWEEN {low} AND {self._sum()}"
        if self._accept("IN"):
            self._expect("(")
            values = self._list(self._sum)
            self._expect(")")
            return f"{value} {no}IN ({values})"
        if self._accept("LIKE"):
            return f"{value} {no}LIKE {self._sum()}"
        sign = self._accept("=", "<>", "!=", "<", "<=", ">", ">=")
        if no or not sign:
            raise self._surprise()
        return f"{value} {sign} {self._sum()}"

    def _sum(self) -> str:
        text = self._product()
        while sign := self._accept("+", "-", "||"):
            text += f" {sign} {self._product()}"
        return text

    def _product(self) -> str:
        text = self._single()
        while sign := self._accept("*", "/"):
            # Division is real division, also of integers.
            text += f" {sign} {self._single()}" if sign == "*" else f" * 1.0 / {self._single()}"
        return text

    def _single(self) -> str:
        if sign := self._accept("-", "+"):
            return f"{sign}{self._single()}"
        if self._now.kind in ("number", "text"):
            return self._take(self._now.kind)
        if self._accept("("):
            inner = self._sum()
            self._expect(")")
            return f"({inner})"
        name = self._take("name")
        if self._accept("("):
            return self._function(name.upper())
        while self._accept("."):
            if self._accept("*"):
                return f"{name}.*"
            name += f".{self._take('name')}"
        return name

    def _function(self, name: str) -> str:
        if name not in FUNCTIONS:
            raise AdqlError(f'Unresolved function: "{name}".')
        if name == "COUNT" and self._accept("*"):
            self._expect(")")
            return "COUNT(*)"
        arguments = [self._sum()]
        while self._accept(","):
            arguments.append(self._sum())
        self._expect(")")
        fewest, most = FUNCTIONS[name]
        if not fewest <= len(arguments) <= most or (name == "POLYGON" and len(arguments) % 2 == 0):
            raise AdqlError(f"{name} does not take {len(arguments)} arguments.")
        return f"{'ADQL_' if name[0] in 'PC' and name != 'COUNT' else ''}{name}({', '.join(arguments)})"
