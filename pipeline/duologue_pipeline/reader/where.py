"""Chooses samples by the columns of a release's tables, before anything of a shard is read.

where=[("language", "in", ["en-US", "en-GB"]), ("isolation", "==", "pass"), ("frames", ">=", 125)]
"""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.errors import UsageError
from duologue_schemas.tables import TABLES

__all__ = ["Condition", "chosen_recordings", "chosen_samples", "columns_of", "is_unicode", "parse_where"]

Condition = tuple[str, str, Any]
"""(column, operator, value); with ``in`` and ``not in`` the value is a list."""

_COMPARE: Final[dict[str, Callable[..., Any]]] = {
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_AMONG: Final = ("in", "not in")
_ORDERED: Final = ("<", "<=", ">", ">=")


def parse_where(where: Iterable[Sequence[Any]]) -> tuple[Condition, ...]:
    """Checks conditions: that there are such columns, and that they can be compared so.

    Args:
        where: (column, operator, value) each. A column of ``index``, or else of ``recordings``; an operator of ``==``, ``!=``,
            ``<``, ``<=``, ``>``, ``>=``, ``in`` and ``not in``. What is null matches nothing.

    Raises:
        UsageError: a column or an operator is unknown, or the value is of another type than the column.
    """
    if isinstance(where, str) or not isinstance(where, Iterable) or getattr(where, "ndim", 1) == 0:
        raise _fault(where, 'expected a list of conditions such as ("language", "==", "en-US")')
    return tuple(_condition(each) for each in where)


def columns_of(where: Iterable[Condition], table: str) -> frozenset[str]:
    """Tells which columns of a table the conditions look at, ``index`` or ``recordings``."""
    return frozenset(column for column, _, _ in where if _table_of(column) == table)


def chosen_samples(where: Iterable[Condition], index: pa.Table) -> npt.NDArray[np.bool_]:
    """Finds the samples for which all conditions hold that look at the table of samples.

    Args:
        where: from :func:`parse_where`.
        index: rows of the table of samples [N], with the columns of the conditions.

    Returns:
        bool [N].

    Raises:
        UsageError: the release has no such column: it was written before there was one.
    """
    chosen = np.ones(len(index), bool)
    for condition in where:
        if _table_of(condition[0]) == "index":
            chosen &= _holds(condition, index)
    return chosen


def chosen_recordings(where: Iterable[Condition], recordings: Iterable[pa.Table]) -> list[pa.ChunkedArray]:
    """Finds the recordings for which each condition holds that looks at the table of recordings.

    Args:
        where: from :func:`parse_where`.
        recordings: the table in parts, each with the ids and the columns of the conditions; it is read once.

    Returns:
        For each of these conditions the ids, texts.

    Raises:
        UsageError: as :func:`chosen_samples`.
    """
    conditions = [condition for condition in where if _table_of(condition[0]) == "recordings"]
    found: list[list[pa.Array]] = [[] for _ in conditions]
    for part in recordings:
        ids = part["recording_id"]
        for own, condition in zip(found, conditions, strict=True):
            own.extend(ids.filter(pa.array(_holds(condition, part))).chunks)
    return [pa.chunked_array(own, pa.string()) for own in found]


def is_unicode(text: str) -> bool:
    """Tells whether a text can be written: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _condition(given: Any) -> Condition:
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 3:
        raise _fault(given, 'expected (column, operator, value) such as ("language", "==", "en-US")')
    column, operator, value = given
    table = next((name for name in ("index", "recordings") if column in TABLES[name].names), None)
    if table is None:
        columns = dict.fromkeys(name for table in ("index", "recordings") for name in TABLES[table].names)
        close = get_close_matches(str(column), columns)
        meant = f"; did you mean {' or '.join(close)}?" if close else ""
        raise _fault(given, f"there is no column {column!r}{meant}; the columns are {', '.join(columns)}")
    type_ = TABLES[table].field(column).type
    if pa.types.is_nested(type_):
        raise _fault(given, f"the column {column} holds lists ({type_}), which are not compared")
    if not isinstance(operator, str) or operator not in (*_COMPARE, *_AMONG):
        raise _fault(given, f"there is no operator {operator!r}; expected one of {', '.join([*_COMPARE, *_AMONG])}")
    if operator in _ORDERED and pa.types.is_boolean(type_):
        raise _fault(given, f"the column {column} is true or false; compare it with == or !=")
    if operator in _AMONG:
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            raise _fault(given, f"{operator} needs a list of values")
        values = list(value)
    else:
        values = [value]
    for each in values:
        _check_type(given, column, type_, each)
    plain = [each.item() if isinstance(each, np.generic) else each for each in values]  # a state says them in JSON
    _check_doubles(given, type_, plain)
    return column, operator, sorted(set(plain)) if operator in _AMONG else plain[0]


def _check_type(given: Any, column: str, type_: pa.DataType, value: Any) -> None:
    if pa.types.is_boolean(type_):
        fits, kind = isinstance(value, bool | np.bool_), "true or false"
    elif pa.types.is_string(type_):
        fits, kind = isinstance(value, str) and is_unicode(value), "text"
    else:
        number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        fits, kind = number and abs(value) < 2**63, "a number"
    if not fits:
        raise _fault(given, f"the column {column} holds {kind}, and {value!r} is none")


def _check_doubles(given: Any, type_: pa.DataType, values: Sequence[Any]) -> None:
    """Refuses a whole number that no double is, where numbers are compared as doubles."""
    if pa.types.is_floating(type_) or (pa.types.is_integer(type_) and _has_fraction(values)):
        for value in values:
            if int(value) == value and int(float(value)) != value:
                raise _fault(given, f"{value} lies between two doubles, as which it is compared; give {float(value)!r}")


def _holds(condition: Condition, table: pa.Table) -> npt.NDArray[np.bool_]:
    column, operator, value = condition
    if column not in table.column_names:
        raise _fault(
            condition,
            f"the release has no column {column}: it was made before there was one; make the release again, or leave the "
            "condition out",
        )
    values = table[column]
    if pa.types.is_integer(values.type):
        values = values.cast(pa.float64() if _has_fraction(_listed(value)) else pa.int64(), safe=False)
    if operator not in _AMONG:
        return _bools(_COMPARE[operator](values, pa.scalar(value, values.type)))
    among = pc.is_in(values, value_set=pa.array(value, values.type))
    if operator == "not in":
        among = pc.invert(among)
    return _bools(pc.and_(among, pc.is_valid(values)))


def _has_fraction(values: Iterable[Any]) -> bool:
    return any(isinstance(each, float) for each in values)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _bools(values: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = values.fill_null(False).to_numpy()
    return found


def _table_of(column: str) -> str:
    return "index" if column in TABLES["index"].names else "recordings"


def _fault(given: Any, fault: str) -> UsageError:
    shown = repr(given) if isinstance(given, str) else repr(tuple(given) if isinstance(given, Sequence) else given)
    return UsageError(f"where {shown[:200]}: {fault}")
