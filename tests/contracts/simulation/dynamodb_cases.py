"""What is asked of every DynamoDB: expressions on one item, queries, batches, transactions, and AWS's refusals.

Each was tried on AWS's own DynamoDB Local; where that differs from AWS itself stands in LOCAL of the matrix's test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.contracts.simulation.comparing import Case

TABLE = "jobs"
INDEX = "by-group"
KEY = {"pk": {"S": "a"}, "sk": {"S": "1"}}
OTHER = {"pk": {"S": "a"}, "sk": {"S": "2"}}

Value = dict[str, Any]


def text(value: str) -> Value:
    return {"S": value}


def number(value: object) -> Value:
    return {"N": str(value)}


ITEM = {
    **KEY,
    "n": number("1.5"),
    "s": text("x"),
    "l": {"L": [number(1), number(2), number(3)]},
    "m": {"M": {"a": number(1), "b": {"M": {"c": number(2)}}}},
    "ns": {"NS": ["1", "2"]},
    "ss": {"SS": ["b", "a"]},
    "b": {"B": b"abc"},
    "yes": {"BOOL": True},
    "null_": {"NULL": True},
}


def create_table(client: Any, name: str = TABLE) -> None:
    types = {"pk": "S", "sk": "S", "g": "S", "h": "N"}
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in types.items()],
        KeySchema=_schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            {"IndexName": INDEX, "KeySchema": _schema("g", "h"), "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ],
    )


def _schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]


def _put(item: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "put_item", {"TableName": TABLE, "Item": item}


def _expressions(names: Mapping[str, str] | None, values: Mapping[str, Value]) -> dict[str, Any]:
    found: dict[str, Any] = {"ExpressionAttributeNames": names} if names is not None else {}
    if values:
        found["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return found


def _update(
    expression: str, names: Mapping[str, str] | None = None, *, returning: str = "ALL_NEW", **values: Value
) -> Case:
    update = {
        "TableName": TABLE,
        "Key": KEY,
        "UpdateExpression": expression,
        "ReturnValues": returning,
        **_expressions(names, values),
    }
    read = "get_item", {"TableName": TABLE, "Key": KEY}
    name = f"update [{expression}] {names or ''}{_shown(values)}{'' if returning == 'ALL_NEW' else returning}"
    return Case(name, [_put(ITEM), ("update_item", update), read])


def _condition(expression: str, names: Mapping[str, str] | None = None, **values: Value) -> Case:
    arguments = {
        "TableName": TABLE,
        "Key": KEY,
        "UpdateExpression": "REMOVE nothing",
        "ConditionExpression": expression,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **_expressions(names, values),
    }
    name = f"condition [{expression}] {names or ''}{_shown(values)}"
    return Case(name, [_put(ITEM), ("update_item", arguments)])


def _shown(values: Mapping[str, Value]) -> str:
    words = " ".join(f"{name}={value}" for name, value in values.items())
    return words if len(words) < 80 else f"{words[:60]}... ({len(words)} characters)"


def cases() -> list[Case]:
    return [*_updates(), *_conditions(), *_puts(), *_reads(), *_queries(), *_batches(), *_transactions()]


def _updates() -> Iterator[Case]:
    one, two, x, numbers = number(1), number(2), text("x"), {"L": [number(1)]}
    yield _update("SET c = :a", a=one)
    yield _update("SET status = :a", a=one)
    yield _update("SET #s = :a", {"#s": "status"}, a=one)
    yield _update("SET c = :a, c = :b", a=one, b=two)
    yield _update("SET c = :a REMOVE c", a=one)
    yield _update("SET m.a = :a, m = :b", a=one, b=two)
    yield _update("SET m.a = :a, m.b.c = :b", a=two, b=one)
    yield _update("SET c = :a SET d = :a", a=one)
    yield _update("SET c = :unknown", a=one)
    yield _update("SET c = :a", {"#unused": "y"}, a=one)
    yield _update("SET #unknown = :a", a=one)
    yield _update("SET c = :a", a=one, b=one)
    for empty in ("", " "):
        yield _update(empty)
    yield _update("SET pk = :a", a=x)
    yield _update("SET n = n + :a", a=x)
    yield _update("SET n = n + :a", a=two)
    yield _update("SET n = n - :a", a=number("0.1"))
    yield _update("SET n = :a - n", a=number("0.1"))
    yield _update("SET zz = zz + :a", a=one)
    yield _update("SET zz = s + :a", a=one)
    yield _update("SET s.b = :a", a=one)
    yield _update("SET zz.b = :a", a=one)
    yield _update("SET l[0] = :a, l[1] = l[0] + :a", a=number(9))
    yield _update("SET l[7] = :a", a=number(9))
    yield _update("SET l[0].a = :a", a=one)
    for returning in ("NONE", "ALL_OLD", "UPDATED_OLD", "UPDATED_NEW"):
        yield _update("SET n = :a, fresh = :a", returning=returning, a=one)
    yield _update("REMOVE l[0], l[2]")
    yield _update("REMOVE l[0] SET l[1] = :a", a=number(7))
    yield _update("REMOVE n, zz")
    yield _update("REMOVE zz.x")
    yield _update("REMOVE s.x")
    yield _update("REMOVE m.b.c, ns")
    yield _update("ADD n :a", a=two)
    yield _update("ADD fresh :a", a=two)
    yield _update("ADD n :a", a=text("2"))
    yield _update("ADD s :a", a=two)
    yield _update("ADD ns :a", a={"NS": ["2", "3"]})
    yield _update("ADD ns :a", a={"SS": ["2", "3"]})
    yield _update("ADD fresh :a", a={"SS": ["2", "3"]})
    yield _update("ADD m.q :a", a=one)
    yield _update("ADD n :a, n :a", a=one)
    yield _update("ADD n :a SET c = n", a=one)
    yield _update("ADD n s")
    yield _update("DELETE ns :a", a={"NS": ["1"]})
    yield _update("DELETE ns :a", a={"NS": ["1", "2", "3"]})
    yield _update("DELETE zz :a", a={"NS": ["1"]})
    yield _update("DELETE s :a", a={"NS": ["1"]})
    yield _update("DELETE ss :a", a=x)
    yield _update("SET c = list_append(l, :a)", a=numbers)
    yield _update("SET c = list_append(:a, l)", a=numbers)
    yield _update("SET c = list_append(zz, :a)", a=numbers)
    yield _update("SET c = list_append(if_not_exists(zz, :none), :a)", a=numbers, none={"L": []})
    yield _update("SET c = list_append(:a, :a)", a=one)
    yield _update("SET c = if_not_exists(n, :a)", a=number(5))
    yield _update("SET c = if_not_exists(zz, :a)", a=number(5))
    yield _update("SET c = if_not_exists(zz, :a) + :a", a=number(5))
    yield _update("SET c = if_not_exists(s.x, :a)", a=number(5))
    yield _update("SET c = if_not_exists(:a, :a)", a=number(5))
    yield _update("SET c = if_not_exists(n)")
    yield _update("SET c = (:a + :a)", a=number(5))
    yield _update("SET c = (:a + :a) - :a", a=number(5))
    yield _update("SET c = ((:a))", a=number(5))
    yield _update("SET c = (:a)", a=number(5))
    yield _update("SET c = :a + :a + :a", a=number(5))
    yield _update("SET c = size(s)")
    yield _update("SET c = attribute_exists(s)")
    yield _update("SET c = unknown(s)")
    yield _update("SET c = :a,", a=one)
    yield _update("SET c = :a d = :a", a=one)
    yield _update("SET c == :a", a=one)
    yield _update("REMOVE n s")
    yield _update("set c = :a remove n", a=one)
    yield _update("SET c = pk")
    yield _update("SET n = s, s = n")
    yield _update("SET c = :a", a={"SS": []})
    yield _update("SET c = :a", a={"SS": ["a", "a"]})
    yield _update("SET c = :a", a={"NS": ["1", "1.0"]})
    yield _update("SET c = :a", a=text(""))
    yield _update("SET c = :a", a={"M": {}})
    yield _update("SET c = :a", a={"M": {"": one}})
    yield _update("SET c = :a", a={"L": [one, text(""), {"NULL": True}, {"BOOL": False}, {"B": b""}]})
    yield _update("SET c = :a", a={"NULL": False})
    yield _update("SET c = :a", a={"N": "1", "S": "1"})
    yield _update("SET c = :a", a={})
    for wrong in ("abc", "", " 1 ", "1_0", "0x1", "NaN", "1e200", "1e-131", "1" * 39):
        yield _update("SET c = :a", a=number(wrong))
    for good in ("+1", "00100.00", ".5", "1E20", "-0", "0012.500e1", "1" * 38, "-7.50", "1e-5"):
        yield _put_case(f"number {good}", {**KEY, "n": number(good)})
    yield _update("SET g = :a", a=text("group"))
    yield _update("SET g = :a", a=text(""))
    yield _update("SET h = :a", a=x)
    yield _update("SET big = :a", a=text("x" * 409_800))
    yield _update("SET big = :a", a=text("x" * 409_000))
    absent = {"TableName": TABLE, "Key": OTHER}
    read = "get_item", absent
    for returning in ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"):
        new = {
            **absent,
            "UpdateExpression": "SET c = :a",
            "ExpressionAttributeValues": {":a": one},
            "ReturnValues": returning,
        }
        yield Case(f"update of an absent item, {returning}", [("update_item", new), read])
    yield Case("remove of an absent item", [("update_item", {**absent, "UpdateExpression": "REMOVE c"}), read])
    yield Case("update without expression", [("update_item", absent), read])


def _conditions() -> Iterator[Case]:
    yield from _comparisons()
    yield from _functions()
    yield from _combinations()


def _comparisons() -> Iterator[Case]:
    one, x = number(1), text("x")
    value: Value
    for operator in ("=", "<>", "<", "<=", ">", ">="):
        for value in (number("1.5"), number("1.500"), number(2), x, {"BOOL": True}, {"NULL": True}, {"L": []}):
            yield _condition(f"n {operator} :a", a=value)
        yield _condition(f"zz {operator} :a", a=one)
        yield _condition(f"zz {operator} zzz")
        yield _condition(f"n {operator} s")
        yield _condition(f"l[0] {operator} n")
        yield _condition(f"s {operator} :a", a=text("xy"))
        yield _condition(f"b {operator} :a", a={"B": b"abd"})
        yield _condition(f":a {operator} n", a=one)
        yield _condition(f"n {operator} n")
    for attribute, value in (
        ("yes", {"BOOL": True}),
        ("null_", {"NULL": True}),
        ("ns", {"NS": ["2", "1"]}),
        ("ns", {"NS": ["2"]}),
        ("l", {"L": [number(1), number(2), number("3.0")]}),
        ("m", {"M": {"a": number("1.0"), "b": {"M": {"c": number(2)}}}}),
        ("b", {"B": b"abc"}),
    ):
        yield _condition(f"{attribute} = :a", a=value)
    for low, high in ((one, number(2)), (number(3), number(2)), (one, text("2")), (x, x), ({"BOOL": True}, one)):
        yield _condition("n BETWEEN :a AND :b", a=low, b=high)
    yield _condition("s BETWEEN :a AND :b", a=text("a"), b=text("z"))
    yield _condition(":a BETWEEN zz AND n", a=one)
    yield _condition("n IN (:a, :b)", a=x, b=number("1.50"))
    yield _condition("n IN (:a)", a=x)
    yield _condition("zz IN (:a)", a=x)
    yield _condition("n IN ()")
    yield _condition("n IN :a", a={"L": []})


def _functions() -> Iterator[Case]:
    one, x = number(1), text("x")
    value: Value
    for attribute, value in (
        ("l", number(2)),
        ("l", number(7)),
        ("ns", number(2)),
        ("ns", text("2")),
        ("s", text("")),
        ("s", number(1)),
        ("zz", number(1)),
        ("n", number(1)),
        ("b", {"B": b"bc"}),
        ("ss", {"SS": ["a"]}),
        ("ss", text("a")),
    ):
        yield _condition(f"contains({attribute}, :a)", a=value)
        yield _condition(f"NOT contains({attribute}, :a)", a=value)
    yield _condition("contains(:a, s)", a=text("wxyz"))
    yield _condition("contains(s, s)")
    for attribute, value in (("s", x), ("s", one), ("n", text("1")), ("b", {"B": b"a"}), ("zz", x)):
        yield _condition(f"begins_with({attribute}, :a)", a=value)
    yield _condition("begins_with(:a, s)", a=text("xy"))
    yield _condition("attribute_exists(:a)", a=x)
    for path in ("m.a", "m.b.c", "m.zz", "l[2]", "l[3]", "s.x", "s[0]", "zz", "zz.x", "pk", "m.a.b", "l.x"):
        yield _condition(f"attribute_exists({path})")
        yield _condition(f"attribute_not_exists({path})")
    for kind in ("S", "N", "SS", "Q"):
        yield _condition("attribute_type(s, :a)", a=text(kind))
    yield _condition("attribute_type(s, :a)", a=one)
    yield _condition("attribute_type(s, s)")
    yield _condition("attribute_type(zz, :a)", a=text("S"))
    for attribute, size in (("s", 1), ("n", 1), ("l", 3), ("zz", 0), ("ns", 2), ("m", 2), ("b", 3), ("yes", 1)):
        yield _condition(f"size({attribute}) = :a", a=number(size))
    yield _condition("size(s)")
    yield _condition("size(:a) = :b", a=x, b=one)
    yield _condition("size(:a) = :b", a=one, b=one)
    yield _condition("size(size(s)) = :a", a=one)


def _combinations() -> Iterator[Case]:
    one, x = number(1), text("x")
    exists, absent = "attribute_exists(pk)", "attribute_exists(zz)"
    for left, right in ((exists, absent), (absent, exists), (exists, exists), (absent, absent)):
        yield _condition(f"{left} AND {right}")
        yield _condition(f"{left} or {right}")
        yield _condition(f"NOT {left} OR {right}")
        yield _condition(f"NOT ({left} OR {right})")
        yield _condition(f"{left} OR {right} AND {absent}")
        yield _condition(f"({left} OR {right}) AND {absent}")
    yield _condition(f"({exists})")
    yield _condition(f"(({exists}))")
    yield _condition(f"(({exists}) AND ({exists}))")
    yield _condition(f"NOT NOT {exists}")
    for wrong in (
        "",
        "n",
        "NOT n",
        "attribute_exists(n) AND",
        "AND attribute_exists(n)",
        "n = = s",
        "n ! s",
        "n = 5",
        "n = 'x'",
        "l[x] = n",
        "l[-1] = n",
        "m.5 = n",
        "5a = n",
        "a-b = n",
        "unknown(n)",
        "begins_with(n)",
        "attribute_exists(n, s)",
        "if_not_exists(n, s) = n",
        "attribute_exists(n) = s",
        "(n = s",
        "n = s)",
        "item = n",
        "m.item = n",
        "n = #unknown",
        "n = :unknown",
    ):
        yield _condition(wrong)
    yield _condition("#n = :a", {"#n": "n"}, a=number("1.5"))
    yield _condition("#n = :a", {"#n": "n", "#m": "m"}, a=number("1.5"))
    yield _condition("#m.#a = :a", {"#m": "m", "#a": "a"}, a=one)
    yield _condition("#n = :a", {"#n": "m.a"}, a=one)
    yield _condition("#n = :a", {"n": "n"}, a=one)
    yield _condition("#n = :a", {"#n": ""}, a=one)
    yield _condition("(#n0 = :v0 AND attribute_not_exists(#n1))", {"#n0": "s", "#n1": "zz"}, v0=x)


def _put_case(name: str, item: Mapping[str, Any], **more: Any) -> Case:
    put = "put_item", {"TableName": TABLE, "Item": item, **more}
    key = {name: item[name] for name in ("pk", "sk") if name in item}
    reads = [("get_item", {"TableName": TABLE, "Key": key})] if len(key) == 2 else []
    return Case(f"put {name}", [put, *reads])


def _puts() -> Iterator[Case]:
    one, x = number(1), text("x")
    yield _put_case("whole item", ITEM)
    yield _put_case("no range key", {"pk": x})
    yield _put_case("range key of a wrong type", {"pk": x, "sk": one})
    yield _put_case("empty range key", {"pk": x, "sk": text("")})
    yield _put_case("index key of a wrong type", {**KEY, "g": one})
    yield _put_case("empty index key", {**KEY, "g": text("")})
    yield _put_case("unnamed attribute", {**KEY, "": one})
    yield _put_case("empty binary", {**KEY, "b": {"B": b""}})
    yield _put_case("too large", {**KEY, "b": text("x" * 410_000)})
    yield _put_case("long hash key", {"pk": text("x" * 2049), "sk": x})
    yield _put_case("long range key", {"pk": x, "sk": text("x" * 1025)})
    yield _put_case("longest keys", {"pk": text("x" * 2048), "sk": text("x" * 1024)})
    yield _put_case("ALL_NEW", KEY, ReturnValues="ALL_NEW")
    yield _put_case("values without expression", KEY, ExpressionAttributeValues={":a": one})
    exists = "attribute_exists(pk)"
    yield _put_case("no values", KEY, ConditionExpression=exists, ExpressionAttributeValues={})
    yield _put_case("empty condition", KEY, ConditionExpression="")
    put, old = {"TableName": TABLE, "Item": KEY}, "ReturnValuesOnConditionCheckFailure"
    new = {**put, "ConditionExpression": "attribute_not_exists(pk)", old: "ALL_OLD"}
    delete = {"TableName": TABLE, "Key": KEY}
    read = "get_item", delete
    yield Case("put twice", [("put_item", new), ("put_item", new), read])
    yield Case("put over an item", [_put(ITEM), ("put_item", {**put, "ReturnValues": "ALL_OLD"}), read])
    yield Case("put where nothing is", [("put_item", {**put, "ConditionExpression": exists, old: "ALL_OLD"}), read])
    yield Case("delete", [_put(ITEM), ("delete_item", {**delete, "ReturnValues": "ALL_OLD"}), read])
    yield Case("delete of an absent item", [("delete_item", {**delete, "ReturnValues": "ALL_OLD"}), read])
    conditional = {**delete, "ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": one}, old: "ALL_OLD"}
    yield Case("delete on a condition", [_put(ITEM), ("delete_item", conditional), read])
    for name, wrong in (
        ("one attribute", {"pk": x}),
        ("a wrong type", {"pk": one, "sk": x}),
        ("an empty one", {"pk": text(""), "sk": x}),
        ("three attributes", {**KEY, "n": one}),
    ):
        for operation in ("get_item", "delete_item"):
            yield Case(f"{operation} with a key of {name}", [(operation, {"TableName": TABLE, "Key": wrong})])
    yield Case("no such table", [("get_item", {"TableName": "nothing", "Key": KEY})])


def _reads() -> Iterator[Case]:
    nested = {**ITEM, "l": {"L": [number(1), number(2), {"M": {"x": number(1), "y": number(2)}}]}}
    for projection in (
        "n",
        "m.a",
        "l[1], l[0]",
        "l[2].x, l[0]",
        "zz",
        "m.zz",
        "m.a.b",
        "l[5]",
        "pk, m.b.c",
        "n, n",
        "",
    ):
        read = {"TableName": TABLE, "Key": KEY, "ProjectionExpression": projection}
        yield Case(f"projection [{projection}]", [_put(nested), ("get_item", read)])
    for projection, names in (("#m", {"#m": "m"}), ("#m", {}), ("pk", {"#m": "m"}), ("status", None)):
        read = {"TableName": TABLE, "Key": KEY, "ProjectionExpression": projection}
        more = {"ExpressionAttributeNames": names} if names else {}
        yield Case(f"projection {projection} {names}", [_put(nested), ("get_item", {**read, **more})])
    yield Case("read of an absent item", [("get_item", {"TableName": TABLE, "Key": KEY})])


ROWS = [
    {"pk": text("q"), "sk": text(f"s{n}"), "n": number(n), "g": text("group"), "h": number(n * 7 % 5)} for n in range(5)
]


def _query(condition: str, name: str = "", *, values: Mapping[str, Value] | None = None, **more: Any) -> Case:
    given = {"p": text("q"), **(values or {})}
    query = {"TableName": TABLE, "KeyConditionExpression": condition, **_expressions(None, given), **more}
    shown = {key: value for key, value in more.items() if key != "ExclusiveStartKey"}
    title = f"query [{condition}] {_shown(values or {})} {shown or ''} {name}".strip()
    return Case(title, [*map(_put, ROWS), ("query", query)])


def _queries() -> Iterator[Case]:
    yield _query("pk = :p")
    for limit in (1, 2, 5, 6):
        yield _query("pk = :p", Limit=limit)
        yield _query("pk = :p", Limit=limit, ScanIndexForward=False)
    yield _query("pk = :p", Limit=0)
    for name, start in (
        ("after an absent key", {"pk": text("q"), "sk": text("s1x")}),
        ("after the last", {"pk": text("q"), "sk": text("s4")}),
        ("after another partition", {"pk": text("z"), "sk": text("s1")}),
        ("after half a key", {"pk": text("q")}),
    ):
        yield _query("pk = :p", name, ExclusiveStartKey=start, Limit=2)
        yield _query("pk = :p", name, ExclusiveStartKey=start, ScanIndexForward=False)
    for operator in ("=", "<", "<=", ">", ">=", "<>"):
        yield _query(f"pk = :p AND sk {operator} :s", values={"s": text("s2")})
        yield _query(f"pk = :p AND :s {operator} sk", values={"s": text("s2")})
    for condition in (
        "pk = :p AND begins_with(sk, :s)",
        "sk = :s AND pk = :p",
        "(pk = :p AND sk = :s)",
        "(pk = :p) AND (sk = :s)",
        "pk = :p OR sk = :s",
        "NOT pk = :p AND sk = :s",
        "pk = :p AND contains(sk, :s)",
        "pk = :p AND sk IN (:s)",
        "pk > :p AND sk = :s",
        "sk = :s AND sk = :p",
        "pk = :p AND pk = :s",
        "pk = :p AND n = :s",
        ":p = pk AND sk = :s",
        "begins_with(pk, :p) AND sk = :s",
        "pk = :p AND size(sk) = :s",
        "pk = :p AND sk = :s AND sk = :s",
        "pk = :p AND attribute_exists(sk) AND sk = :s",
    ):
        yield _query(condition, values={"s": text("s3")})
    for low, high in (("s1", "s3"), ("s3", "s1"), ("a", "z")):
        yield _query("pk = :p AND sk BETWEEN :a AND :b", values={"a": text(low), "b": text(high)})
    for value in (number(1), text("")):
        yield _query("pk = :p AND sk = :s", values={"s": value})
        yield _query("pk = :p", "odd value", values={"p": value})
    yield _query("pk = :p AND begins_with(sk, :s)", values={"s": text("")})
    yield _query("sk = :p")
    yield _query("")
    two = {"n": number(2)}
    yield _query("pk = :p", FilterExpression="n > :n", values=two)
    yield _query("pk = :p", FilterExpression="n > :n", values=two, Limit=2)
    yield _query("pk = :p", FilterExpression="sk > :n", values={"n": text("a")})
    yield _query("pk = :p", Select="COUNT")
    yield _query("pk = :p", Select="COUNT", FilterExpression="n > :n", values=two)
    yield _query("pk = :p", Select="COUNT", Limit=2)
    yield _query("pk = :p", Select="COUNT", ProjectionExpression="sk")
    for projection in ("sk", "n, zz", "n, n", "status", ""):
        yield _query("pk = :p", ProjectionExpression=projection)
    yield from _index_queries()
    rows = [{"pk": text("q"), "sk": text(f"{n:02}"), "x": text("x" * 100_000)} for n in range(12)]
    wanted = {"TableName": TABLE, "KeyConditionExpression": "pk = :p", **_expressions(None, {"p": text("q")})}
    first = {**wanted, "ProjectionExpression": "sk"}
    yield Case("a query reads no more than a MiB", [*map(_put, rows), ("query", first)])


def _index_queries() -> Iterator[Case]:
    group = {"p": text("group")}
    yield _query("g = :p", values=group, IndexName=INDEX)
    yield _query("g = :p", values=group, IndexName=INDEX, ScanIndexForward=False, Limit=2)
    yield _query("g = :p AND h <= :h", values={**group, "h": number(2)}, IndexName=INDEX, Limit=2)
    start = {"pk": text("q"), "sk": text("s3"), "g": text("group"), "h": number(1)}
    yield _query("g = :p AND h <= :h", "on", values={**group, "h": number(3)}, IndexName=INDEX, ExclusiveStartKey=start)
    half = {"pk": text("q"), "sk": text("s3")}
    yield _query(
        "g = :p AND h <= :h", "half", values={**group, "h": number(3)}, IndexName=INDEX, ExclusiveStartKey=half
    )
    yield _query("g = :p", values=group, IndexName="nothing")
    yield _query("g = :p", values=group, IndexName=INDEX, ConsistentRead=True)
    yield _query("g = :p", values=group, IndexName=INDEX, ProjectionExpression="sk, h")
    yield _query("g = :p", values=group, IndexName=INDEX, ProjectionExpression="n")
    yield _query("g = :p", values={**group, "n": number(0)}, IndexName=INDEX, FilterExpression="n > :n")
    yield _query("g = :p", values={**group, "n": number(0)}, IndexName=INDEX, FilterExpression="h > :n")
    query = {
        "TableName": TABLE,
        "IndexName": INDEX,
        "KeyConditionExpression": "g = :p",
        **_expressions(None, group),
    }
    row, key = ROWS[0], {name: ROWS[0][name] for name in ("pk", "sk")}
    for name, then in (
        ("deleted", ("delete_item", {"TableName": TABLE, "Key": key})),
        ("left", ("update_item", {"TableName": TABLE, "Key": key, "UpdateExpression": "REMOVE h"})),
        ("moved", _put({**row, "h": number(99)})),
        ("put without it", _put({**key, "n": number(1)})),
    ):
        yield Case(f"an index after its item was {name}", [_put(row), then, ("query", query)])


def _batches() -> Iterator[Case]:
    def get(name: str, keys: Sequence[Any], **more: Any) -> Case:
        return Case(
            f"batch get {name}", [_put(ITEM), ("batch_get_item", {"RequestItems": {TABLE: {"Keys": keys, **more}}})]
        )

    yield get("with an absent key", [KEY, OTHER])
    yield get("with a projection", [KEY], ProjectionExpression="n")
    yield get("of one key twice", [KEY, KEY])
    yield get("of 101 keys", [{"pk": text("q"), "sk": text(str(n))} for n in range(101)])
    yield get("of half a key", [{"pk": text("q")}])
    yield get("of no key", [])
    absent = {"RequestItems": {"nothing": {"Keys": [KEY]}}}
    yield Case("batch get of an absent table", [("batch_get_item", absent)])

    def write(name: str, requests: Sequence[Any]) -> Case:
        reads = [("get_item", {"TableName": TABLE, "Key": key}) for key in (KEY, OTHER)]
        return Case(
            f"batch write {name}", [_put(ITEM), ("batch_write_item", {"RequestItems": {TABLE: requests}}), *reads]
        )

    put, delete = {"PutRequest": {"Item": OTHER}}, {"DeleteRequest": {"Key": KEY}}
    yield write("of a put and a delete", [put, delete])
    yield write("of one item twice", [put, put])
    yield write("of one item put and deleted", [put, {"DeleteRequest": {"Key": OTHER}}])
    yield write("of 26 items", [{"PutRequest": {"Item": {**OTHER, "sk": text(str(n))}}} for n in range(26)])
    yield write("of both at once", [{**put, **delete}])
    yield write("of a wrong key", [put, {"PutRequest": {"Item": {"pk": text("a"), "sk": number(1)}}}])
    yield write("of nothing", [])


def _transactions() -> Iterator[Case]:
    here = {"TableName": TABLE}
    one = {":a": number(1)}

    def put(sk: str, **more: Any) -> dict[str, Any]:
        return {"Put": {**here, "Item": {"pk": text("a"), "sk": text(sk)}, **more}}

    def update(expression: str, values: Mapping[str, Value] = one, **more: Any) -> dict[str, Any]:
        update = {**here, "Key": KEY, "UpdateExpression": expression, **more}
        return {"Update": {**update, "ExpressionAttributeValues": values} if values else update}

    def transaction(name: str, actions: Iterable[Any], **more: Any) -> Case:
        reads = [("get_item", {**here, "Key": {"pk": text("a"), "sk": text(sk)}}) for sk in "123"]
        write = "transact_write_items", {"TransactItems": list(actions), **more}
        return Case(f"transaction {name}", [_put(ITEM), write, *reads])

    new = {"ConditionExpression": "attribute_not_exists(pk)"}
    old = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    absent = {**here, "Key": {"pk": text("zz"), "sk": text("zz")}}
    yield transaction("of two puts", [put("2"), put("3")])
    yield transaction("of one item twice", [put("2"), put("2")])
    yield transaction("whose condition fails", [put("2"), put("1", **new)])
    yield transaction("whose condition fails, with the item", [put("1", **new, **old), put("2")])
    yield transaction("whose condition fails where nothing is", [put("2", ConditionExpression="n = n2", **old)])
    yield transaction("of 101 puts", [put(str(n)) for n in range(101)])
    yield transaction("of nothing", [])
    yield transaction("of two actions in one", [{**put("2"), "Delete": {**here, "Key": KEY}}])
    yield transaction("of an empty action", [{}])
    check = {"ConditionCheck": {**here, "Key": KEY, "ConditionExpression": "attribute_exists(pk)"}}
    yield transaction("with a check that holds", [check, put("2")])
    failed = {"ConditionCheck": {**absent, "ConditionExpression": "attribute_exists(pk)"}}
    yield transaction("with a check that fails", [put("2"), failed])
    yield transaction("with an update", [update("SET c = :a"), put("2")])
    yield transaction("with an update on a condition", [update("SET c = :a", ConditionExpression="n = :a"), put("2")])
    yield transaction("with an unused value", [update("SET c = n"), put("2")])
    yield transaction("with a reserved word", [update("SET status = :a"), put("2")])
    yield transaction("with an update of a key", [update("SET pk = :a"), put("2")])
    yield transaction("with an update of what is not there", [put("2"), update("SET c = zz + :a")])
    yield transaction("with a delete", [{"Delete": {**here, "Key": KEY}}, put("2")])
    yield transaction("with a delete of what is not there", [{"Delete": absent}, put("2")])
    yield transaction("with half a key", [{"Delete": {**here, "Key": {"pk": text("a")}}}])
    yield transaction("with half an item", [{"Put": {**here, "Item": {"pk": text("a")}}}])
    yield transaction("with a wrong index key", [{"Put": {**here, "Item": {**OTHER, "g": number(1)}}}])
    yield transaction("with an absent table", [{"Delete": {**absent, "TableName": "nothing"}}])
    yield transaction("with a large item", [{"Put": {**here, "Item": {**OTHER, "x": text("x" * 410_000)}}}])
    large = [{"Put": {**here, "Item": {**OTHER, "sk": text(str(n)), "x": text("x" * 390_000)}}} for n in range(12)]
    yield transaction("of more than 4 MB", large)
    first, second = put("2", **new), put("3", **new)
    for name, other in (("the same", first), ("another", second)):
        calls = [("transact_write_items", {"TransactItems": [it], "ClientRequestToken": "t"}) for it in (first, other)]
        yield Case(f"one token for {name} transaction", calls)
