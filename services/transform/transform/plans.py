"""Which columns a frame's columns come from, read off Spark's analyzed plan. Pure: a plan as JSON in, columns out.

In the words of OpenLineage a column depends *directly* on what its value is made of, and *indirectly* on what decides
which value it is or whether its row is there: conditions, the keys and order of windows, and, for all columns of a
frame alike (`rows`), filters, joins, groups and sorts. Fields of structs are followed one by one. A step or a function
that is not known here is never guessed at: of a function all inputs count, and a step raises UnknownPlan.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transform.declared import ROWS, SAME
from transform.errors import UnknownPlan

Columns = frozenset[str]
Json = Any
_NONE: Columns = frozenset()


@dataclass(frozen=True)
class Sources:
    """What an expression depends on; `fields` when it is a struct whose fields are known one by one."""

    direct: Columns = _NONE
    indirect: Columns = _NONE
    fields: Mapping[str, "Sources"] = field(default_factory=dict)

    @property
    def all(self) -> Columns:
        """Both kinds."""
        return self.direct | self.indirect

    def given(self, condition: Columns) -> "Sources":
        """The same, where the condition decides whether or which."""
        inner = {name: sources.given(condition) for name, sources in self.fields.items()}
        return Sources(self.direct, self.indirect | condition, inner)


@dataclass(frozen=True)
class Column:
    """A column of a step of the plan; Spark knows it by its id."""

    name: str
    id: int
    sources: Sources


@dataclass(frozen=True)
class Flow:
    """What a step gives: its columns, and what decides which rows there are."""

    columns: tuple[Column, ...]
    rows: Columns = _NONE

    def selected(self, by: Columns) -> "Flow":
        """The same columns, with fewer, more or other rows."""
        return Flow(self.columns, self.rows | by)


@dataclass(frozen=True)
class Inputs:
    """What the plan cannot tell: the tables behind its aliases, and what Python functions make of their columns."""

    tables: Mapping[str, str]
    functions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Node:
    """A node of a tree that Spark wrote in preorder; its children follow it there."""

    kind: str
    values: Mapping[str, Json]
    children: tuple["_Node", ...]


def flow(plan: Sequence[Json], inputs: Inputs) -> Flow:
    """The columns of the analyzed plan, which Spark's `toJSON` gives. Raises UnknownPlan."""
    return _flow(_tree(plan), inputs)


def _tree(preorder: Sequence[Json]) -> _Node:
    return _node(iter(preorder))


def _node(preorder: Iterator[Json]) -> _Node:
    values = next(preorder)
    children = tuple(_node(preorder) for _ in range(values["num-children"]))
    return _Node(values["class"].rsplit(".", 1)[-1].rstrip("$"), values, children)


def _flow(node: _Node, inputs: Inputs) -> Flow:
    table = inputs.tables.get(node.values["identifier"]["name"]) if node.kind == "SubqueryAlias" else None
    if table is not None:
        return _table(node.children[0], table)
    step = _STEPS.get(node.kind)
    if step is None:
        raise UnknownPlan(f"lineage does not know the step {node.kind}; say in plans.py what its columns come from")
    return step(node, [_flow(child, inputs) for child in node.children], inputs)


def _table(relation: _Node, table: str) -> Flow:
    columns = (_attribute(output) for output in relation.values["output"])
    named = (Column(name, number, Sources(frozenset({f"{table}.{name}"}))) for name, number in columns)
    return Flow(tuple(named), frozenset({f"{table}.*"}))


def _attribute(expression: Sequence[Json]) -> tuple[str, int]:
    return expression[0]["name"], expression[0]["exprId"]["id"]


def _same(_: _Node, children: list[Flow], __: Inputs) -> Flow:
    return children[0]


def _project(node: _Node, children: list[Flow], _: Inputs) -> Flow:
    return Flow(_named(node.values["projectList"], children[0]), children[0].rows)


def _filter(node: _Node, children: list[Flow], _: Inputs) -> Flow:
    return children[0].selected(_evaluated(node.values["condition"], children[0]).all)


def _sort(node: _Node, children: list[Flow], _: Inputs) -> Flow:
    return children[0].selected(_union(_evaluated(order, children[0]) for order in node.values["order"]).all)


def _distinct(_: _Node, children: list[Flow], __: Inputs) -> Flow:
    return children[0].selected(_union(column.sources for column in children[0].columns).all)


def _aggregate(node: _Node, children: list[Flow], _: Inputs) -> Flow:
    groups = _union(_evaluated(group, children[0]) for group in node.values["groupingExpressions"])
    return Flow(_named(node.values["aggregateExpressions"], children[0]), children[0].rows | groups.all)


def _window(node: _Node, children: list[Flow], _: Inputs) -> Flow:
    return Flow(children[0].columns + _named(node.values["windowExpressions"], children[0]), children[0].rows)


def _generate(node: _Node, children: list[Flow], _: Inputs) -> Flow:
    made = _evaluated(node.values["generator"], children[0])
    columns = tuple(Column(*_attribute(output), Sources(*_plain(made))) for output in node.values["generatorOutput"])
    left_out = set(node.values["unrequiredChildIndex"])
    kept = tuple(column for place, column in enumerate(children[0].columns) if place not in left_out)
    return Flow(kept + columns, children[0].rows | made.all)


def _join(node: _Node, children: list[Flow], _: Inputs) -> Flow:
    left, right = children
    both = Flow(left.columns + right.columns, left.rows | right.rows)
    condition = node.values.get("condition")
    joined = both.selected(_evaluated(condition, both).all) if condition else both
    only_left = node.values["joinType"]["object"].endswith(("LeftSemi$", "LeftAnti$"))
    return Flow(left.columns, joined.rows) if only_left else joined


def _stacked(_: _Node, children: list[Flow], __: Inputs) -> Flow:
    same_place = zip(*(child.columns for child in children), strict=True)
    columns = (Column(c[0].name, c[0].id, _either([column.sources for column in c])) for c in same_place)
    return Flow(tuple(columns), frozenset().union(*(child.rows for child in children)))


def _in_python(node: _Node, children: list[Flow], inputs: Inputs) -> Flow:
    """What was declared of the function; of what was not, all its inputs count."""
    function = node.values["functionExpr"][0]["name"]
    declared = inputs.functions.get(function, {})
    of_name = {column.name: column.sources for child in children for column in child.columns}
    columns = []
    for name, number in map(_attribute, node.values["output"]):
        itself = (name,) if SAME in declared and name in of_name else tuple(of_name)
        sources = declared.get(name, itself)
        if wrong := set(sources) - set(of_name):
            raise UnknownPlan(f"{function} is declared to make {name} from {', '.join(sorted(wrong))}; it gets no such")
        columns.append(Column(name, number, _union(of_name[source] for source in sources)))
    rows = _NONE if ROWS in declared else _union(of_name.values()).all
    return Flow(tuple(columns), rows.union(*(child.rows for child in children)))


def _constants(node: _Node, _: list[Flow], __: Inputs) -> Flow:
    return Flow(tuple(Column(*_attribute(output), Sources()) for output in node.values.get("output", ())))


def _deduplicated(node: _Node, children: list[Flow], _: Inputs) -> Flow:
    return children[0].selected(_union(_evaluated(key, children[0]) for key in node.values["keys"]).all)


_STEPS = {
    "Project": _project,
    "Filter": _filter,
    "Aggregate": _aggregate,
    "Window": _window,
    "Join": _join,
    "Union": _stacked,
    "Generate": _generate,
    "Sort": _sort,
    "Distinct": _distinct,
    "Deduplicate": _deduplicated,
    **dict.fromkeys(("MapInArrow", "MapInPandas", "FlatMapGroupsInArrow", "FlatMapGroupsInPandas"), _in_python),
    **dict.fromkeys(("FlatMapCoGroupsInArrow", "FlatMapCoGroupsInPandas"), _in_python),
    **dict.fromkeys(("OneRowRelation", "LocalRelation", "Range"), _constants),
    **dict.fromkeys(
        ("SubqueryAlias", "ResolvedHint", "Repartition", "RepartitionByExpression", "GlobalLimit", "LocalLimit"), _same
    ),
}


def _named(expressions: Iterable[Sequence[Json]], of: Flow) -> tuple[Column, ...]:
    return tuple(Column(*_attribute(expression), _evaluated(expression, of)) for expression in expressions)


def _evaluated(expression: Sequence[Json], of: Flow) -> Sources:
    return _sources(_tree(expression), {column.id: column.sources for column in of.columns})


def _sources(node: _Node, known: Mapping[int, Sources]) -> Sources:
    if node.kind == "AttributeReference":
        return known[node.values["exprId"]["id"]]
    if "plan" in node.values:
        raise UnknownPlan("lineage does not follow subqueries inside of expressions; write a join")
    parts = [_sources(child, known) for child in node.children]
    meaning = _FUNCTIONS.get(node.kind)
    return meaning(node, parts) if meaning else _union(parts)


def _struct(node: _Node, parts: list[Sources]) -> Sources:
    names = [child.values["value"] for child in node.children[::2]]
    whole = _union(parts[1::2])
    return Sources(whole.direct, whole.indirect, dict(zip(names, parts[1::2], strict=True)))


def _field(node: _Node, parts: list[Sources]) -> Sources:
    [struct] = parts
    return list(struct.fields.values())[node.values["ordinal"]] if struct.fields else struct


def _case(_: _Node, parts: list[Sources]) -> Sources:
    conditions, values = parts[:-1:2], parts[1::2]
    otherwise = [parts[-1]] if len(parts) % 2 else []
    return _either([*values, *otherwise]).given(_union(conditions).all)


def _if(_: _Node, parts: list[Sources]) -> Sources:
    return _either(parts[1:]).given(parts[0].all)


def _first(_: _Node, parts: list[Sources]) -> Sources:
    """The first argument, and the others decide of which row."""
    return parts[0].given(_union(parts[1:]).all)


def _only(_: _Node, parts: list[Sources]) -> Sources:
    return parts[0]


_FUNCTIONS = {
    "Alias": _only,
    "CreateNamedStruct": _struct,
    "GetStructField": _field,
    "CaseWhen": _case,
    "If": _if,
    "Coalesce": lambda _, parts: _either(parts),
    "AggregateExpression": _first,
    "WindowExpression": _first,
    "MaxBy": _first,
    "MinBy": _first,
    "First": _first,
    "Last": _first,
    "Lead": _first,
    "Lag": _first,
}


def _union(parts: Iterable[Sources]) -> Sources:
    found = list(parts)
    return Sources(frozenset().union(*(s.direct for s in found)), frozenset().union(*(s.indirect for s in found)))


def _either(parts: Sequence[Sources]) -> Sources:
    """One of several values: struct by struct when they have the same fields, or are nothing but null."""
    whole = _union(parts)
    shapes = [part.fields for part in parts if part.fields or part.all]
    if not shapes or any(list(shape) != list(shapes[0]) for shape in shapes):
        return whole
    inner = {name: _either([shape[name] for shape in shapes]) for name in shapes[0]}
    return Sources(whole.direct, whole.indirect, inner)


def _plain(made: Sources) -> tuple[Columns, Columns]:
    return made.direct, made.indirect
