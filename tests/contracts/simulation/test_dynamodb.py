"""The simulated DynamoDB answers as others do: moto here, MiniStack and AWS's own DynamoDB Local in the matrix."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from tests.contracts.simulation.comparing import Case, Reference, differences
from tests.contracts.simulation.dynamodb_cases import TABLE, cases, create_table
from tests.simulation.client import SimulatedClient
from tests.simulation.dynamodb.service import SimulatedDynamoDB
from tests.simulation.environment import Alone
from tests.support.aws import emulated_aws

MOTO = {
    r"update \[REMOVE l\[0\] SET": "SET and REMOVE see each other's lists",
    r"update \[SET c = \(:a( \+ :a)?\)\]": "no parentheses",
    r"update \[SET c = pk\]": "a key cannot be an operand",
    r"update \[SET big": "sizes are counted as JSON",
    r"update of an absent item, UPDATED_NEW": "the key is in UPDATED_NEW",
    r"update without expression": "no item is created",
    r"condition \[zz (=|<>) zzz": "what is absent equals what is absent",
    r"condition \[n [<>]=? (s\]|:a\] a=\{'S')": "values of two types cannot be compared",
    r"condition \[(n|:a) BETWEEN :?[az]": "values of two types, or none, cannot be compared",
    r"condition \[(NOT )?(contains|begins_with)\(b,": "no functions of binaries",
    r"condition \[size\((n|zz|yes|:a)\)": "no size of what has none, or of a value",
    r"condition \[NOT NOT": "no double negation",
    r"projection \[l\[": "elements of lists are out of order",
    r"projection \[m.a.b": "a path through a number finds it",
    r"put number": "numbers keep the form in which they came",
    r"query \[pk = :p\]  \{'Limit': 5": "looks ahead for another item",
    r"query \[.*:[sp] ([<>]=?|=) [sp]k": "values cannot come first",
    r"a query reads no more": "pages are of another size",
    r"transaction whose condition fails where": "an empty item is in the reason",
    r"one token for the same": "no tokens",
}


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with emulated_aws():
        yield Reference(boto3.client("dynamodb", region_name="us-east-1"), MOTO, lenient=True)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_answers_are_the_same(case: Case, reference: Reference) -> None:
    if not reference.known_difference(case):
        found = _differences(case, reference)
        assert not found, "\n".join(found)


def test_what_is_listed_as_different_still_is(reference: Reference) -> None:
    known = [case for case in cases() if reference.known_difference(case)]
    found = {reference.known_difference(case) for case in known if _differences(case, reference)}
    assert found == set(reference.different.values())


def _differences(case: Case, reference: Reference) -> list[str]:
    simulated = SimulatedClient(SimulatedDynamoDB(Alone()))
    create_table(simulated)
    _begin_again(reference)
    return differences(simulated, reference, case)


def _begin_again(reference: Reference) -> None:
    if TABLE in reference.client.list_tables()["TableNames"]:
        reference.client.delete_table(TableName=TABLE)
    create_table(reference.client)
