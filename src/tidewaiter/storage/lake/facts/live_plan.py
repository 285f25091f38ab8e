"""What is read and done to make the facts asked, worked out once for an image."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from tidewaiter.core.facts import Catalogue, Fact, FactType
from tidewaiter.core.tables import CONSIGNMENTS, DECLARATIONS
from tidewaiter.storage.lake.facts.filings import TEXTS as FILING_TEXTS
from tidewaiter.storage.lake.facts.history import Asked, asked_of
from tidewaiter.storage.lake.facts.items import TEXTS, WHOLE, WORKING
from tidewaiter.storage.lake.facts.live_functions import Settings
from tidewaiter.storage.lake.facts.live_reading import Scope, of_declaration, reading, typed
from tidewaiter.storage.lake.facts.live_shapes import (
    DATE,
    FLAG,
    INSTANT,
    INTEGER,
    RATIO,
    TEXT,
    Ask,
    Kind,
    Made,
    Shape,
    shape_of,
)
from tidewaiter.storage.lake.facts.live_syntax import (
    Member,
    Name,
    Node,
    NotUnderstoodError,
    names_of,
    parse,
    parts_of,
)
from tidewaiter.storage.lake.facts.live_untranslated import asked_of_duckdb, names_in
from tidewaiter.storage.lake.facts.peers import LEVELS
from tidewaiter.storage.lake.facts.recipes import (
    Count,
    Distinct,
    Expression,
    FieldOf,
    Peers,
    Recipe,
    SameDay,
    Seizures,
    Since,
)

CONSIGNMENT = "consignment"
DECLARED = {field.name: shape_of(field) for field in DECLARATIONS.fields} | {"version": INTEGER, "known_at": INSTANT}
"""The columns of a declaration's rows."""

FILED = {field.name: shape_of(field) for field in CONSIGNMENTS.fields} | {"version": INTEGER, "known_at": INSTANT,
                                                                        "counted_on": DATE}  # fmt: skip
"""The columns of a consignment's rows."""

_WORDS = {f"{name}_words": name for name in (*FILING_TEXTS, "description")}
_FILING = FILED | dict.fromkeys(_WORDS, TEXT) | {"houses": INTEGER, "seals_changed": FLAG}
_TEXTS = {**WORKING, **TEXTS}
_DAYS: Scope = {"decided_on": DATE, "statistics_day": DATE, "moment": INSTANT}
_KEY = ("declaration_id", "version", "item_number", "lodged_at", "known_at")

type Steps = tuple[tuple[str, Ask], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The facts asked and, in turn, how they come about.

    `columns` are read from the rows; `working` and `words` (of a text) are made of each row, `whole` of the rows of a
    declaration; `plain` facts are a column as it is, `made` facts are worked out. `day_columns` and
    `day_working` are those that same-day facts alone read. `filed` are the parts of a
    consignment that are read, `filed_words` those put into words.
    """

    names: tuple[str, ...]
    recipes: Mapping[str, Recipe]
    asked: tuple[Asked, ...]
    columns: Mapping[str, Shape]
    working: Steps
    words: Steps
    whole: Steps
    plain: Mapping[str, str]
    made: Steps
    passed_on: frozenset[str]
    day_columns: Mapping[str, Shape]
    day_working: Steps
    reads_filings: bool
    filed: frozenset[str]
    filed_words: Mapping[str, str]


def plan_of(catalogue: Catalogue, made: Mapping[str, Recipe], names: Iterable[str], settings: Settings) -> Plan:
    """Return how these facts are made."""
    trees = {
        name: tree for name, recipe in made.items() if isinstance(recipe, Expression) and (tree := _parsed(recipe.sql))
    }
    asked = asked_of(made)
    read = _read(catalogue, made, trees, asked)
    before, columns = _before(read)
    columns = _parts_read(columns, before, made, trees)
    scope: dict[str, Shape] = {**columns, **_DAYS}
    working = {name: reading(parse(WORKING[name]), scope, settings) for name in WORKING if name in before}
    words = {name: reading(parse(TEXTS[name]), scope, settings) for name in TEXTS if name in before}
    scope |= {name: each.shape for name, each in working.items()} | dict.fromkeys(words, TEXT)
    whole = {name: of_declaration(parse(WHOLE[name]), scope, settings) for name in WHOLE if name in read}
    scope |= {name: each.shape for name, each in whole.items()}
    scope |= {name: _looked_up(recipe) for name, recipe in made.items() if not isinstance(recipe, Expression | FieldOf)}
    filed = frozenset(chain.from_iterable(_filed(trees.get(name), recipe) for name, recipe in made.items()))
    scope[CONSIGNMENT] = Shape(Kind.RECORD, fields=_FILING)
    results, passed_on = _results(catalogue, made, trees, scope, settings)
    plain = {name: result for name, result in results.items() if isinstance(result, str)}
    return Plan(
        names=tuple(name for name in made if name in set(names)),
        recipes=made,
        asked=asked,
        columns=columns,
        working=_steps(working),
        words=_steps(words),
        whole=_steps(whole),
        plain=plain,
        made=tuple((name, result.ask) for name, result in results.items() if isinstance(result, Made)),
        passed_on=passed_on,
        day_columns={name: shape for name, shape in columns.items() if name in _read_for_the_day(made)},
        day_working=_steps({name: each for name, each in working.items() if name in _asked_of_the_day(made)}),
        reads_filings=CONSIGNMENT in read,
        filed=filed,
        filed_words={name: text for name, text in _WORDS.items() if name in filed},
    )


def _parsed(sql: str) -> Node | None:
    try:
        return parse(sql)
    except NotUnderstoodError:
        return None


def _steps(made: Mapping[str, Made]) -> Steps:
    return tuple((name, each.ask) for name, each in made.items())


def _read(
    catalogue: Catalogue, made: Mapping[str, Recipe], trees: Mapping[str, Node], asked: Iterable[Asked]
) -> frozenset[str]:
    """Return the columns that the facts read, working columns among them."""
    read = set(_KEY).union(*map(names_of, trees.values()), *(one.kind for one in asked))
    for name, recipe in made.items():
        match recipe:
            case Expression(sql):
                read |= frozenset() if name in trees else names_in(sql)
            case FieldOf(field):
                read.add(f"{field}_words" if catalogue[name].type is FactType.WORDS else field)
            case Seizures(at=at):
                read.add(at)
            case SameDay(of):
                read |= {*of, "lodged_on"}
            case Peers():
                read.update(chain.from_iterable(columns for _, columns in LEVELS))
            case _:
                pass
    if CONSIGNMENT in read:
        read.add("previous_document")
    return frozenset(read)


def _before(read: frozenset[str]) -> tuple[frozenset[str], dict[str, Shape]]:
    """Return the working columns and words needed, also for figures of the whole declaration, and the columns."""
    wanted = set(read).union(*(names_of(parse(WHOLE[name])) for name in WHOLE if name in read))
    before = {name for name in (*WORKING, *TEXTS) if name in wanted}
    wanted = wanted.union(*(names_of(parse(_TEXTS[name])) for name in before))
    return frozenset(before), {name: shape for name, shape in DECLARED.items() if name in wanted}


def _parts_read(
    columns: Mapping[str, Shape], before: Iterable[str], made: Mapping[str, Recipe], trees: Mapping[str, Node]
) -> dict[str, Shape]:
    """Return the columns with those parts of their records that something reads."""
    parts = {part for tree in (*trees.values(), *(parse(_TEXTS[name]) for name in before)) for part in _members(tree)}
    untranslated = (recipe.sql for name, recipe in made.items() if isinstance(recipe, Expression) and name not in trees)
    parts = parts.union(*map(names_in, untranslated))
    return {name: _with_parts(shape, parts) for name, shape in columns.items()}


def _with_parts(shape: Shape, parts: Collection[str]) -> Shape:
    if shape.of is None or not shape.of.fields:
        return shape
    kept = {name: part for name, part in shape.of.fields.items() if name in parts}
    return replace(shape, of=replace(shape.of, fields=kept)) if kept else shape


def _members(tree: Node) -> frozenset[str]:
    own = {tree.field} if isinstance(tree, Member) else set()
    return frozenset(own).union(*map(_members, parts_of(tree)))


def _asked_of_the_day(made: Mapping[str, Recipe]) -> frozenset[str]:
    """Return the columns that name what same-day facts count, and the moment of lodging."""
    named = (recipe.of for recipe in made.values() if isinstance(recipe, SameDay))
    return frozenset(("declaration_id", "lodged_at", "lodged_on", *chain.from_iterable(named)))


def _read_for_the_day(made: Mapping[str, Recipe]) -> frozenset[str]:
    """Return the columns of the rows that same-day facts read."""
    asked = _asked_of_the_day(made)
    return asked.union(*(names_of(parse(WORKING[name])) for name in WORKING if name in asked))


def _looked_up(recipe: Recipe) -> Shape:
    match recipe:
        case Count(metric="net_mass"):
            return Shape(Kind.DECIMAL, 3)
        case Count() | Distinct() | Since() | SameDay():
            return INTEGER
        case Seizures(half_life=half_life):
            return INTEGER if half_life is None else RATIO
        case Peers(figure):
            return TEXT if figure == "level" else INTEGER if figure == "rows" else RATIO
        case FieldOf() | Expression():
            raise TypeError("a fact of a row is not looked up")


def _results(
    catalogue: Catalogue, made: Mapping[str, Recipe], trees: Mapping[str, Node], scope: dict[str, Shape],
    settings: Settings,
) -> tuple[dict[str, Made | str], frozenset[str]]:  # fmt: skip
    """Return what gives each fact, a column's name or a function, and the facts that later ones read."""
    results: dict[str, Made | str] = {}
    passed_on = set()
    for name, recipe in made.items():
        fact = catalogue[name]
        match recipe:
            case Expression(sql):
                result = _expressed(trees.get(name), sql, fact, scope, settings)
            case FieldOf(field):
                read = f"{field}_words" if fact.type is FactType.WORDS else field
                result = typed(reading(Name(read), scope, settings), fact)
            case _:
                result = typed(reading(Name(name), scope, settings), fact)
        column = _column(trees.get(name), recipe, name, fact.type is FactType.WORDS)
        results[name] = column if _as_it_is(column, scope, result.shape) else result
        if name not in scope:
            scope[name] = result.shape
            passed_on.add(name)
    return results, frozenset(passed_on)


def _expressed(tree: Node | None, sql: str, fact: Fact, scope: Scope, settings: Settings) -> Made:
    if tree is not None:
        try:
            return typed(reading(tree, scope, settings), fact)
        except NotUnderstoodError:
            pass
    return asked_of_duckdb(settings.doubtful, sql, fact, scope)


def _as_it_is(column: str, scope: Scope, wanted: Shape) -> bool:
    """Tell whether a column holds a fact's values as they are: what was worked out may not fit or not be finite."""
    if column not in scope or scope[column] != wanted:
        return False
    return wanted.kind is not Kind.RATIO and not (wanted.exact and column in (*WORKING, *WHOLE))


def _column(tree: Node | None, recipe: Recipe, name: str, words: bool) -> str:
    match tree, recipe:
        case Name(column), _:
            return column
        case None, FieldOf(field):
            return f"{field}_words" if words else field
        case None, _:
            return name
    return ""


def _filed(tree: Node | None, recipe: Recipe) -> frozenset[str]:
    """Return the parts of a consignment that a fact reads."""
    if tree is None:
        named = names_in(recipe.sql) if isinstance(recipe, Expression) else frozenset()
        return named & _FILING.keys() if CONSIGNMENT in named else frozenset()
    return _parts_filed(tree)


def _parts_filed(tree: Node) -> frozenset[str]:
    own = {tree.field} if isinstance(tree, Member) and tree.of == Name(CONSIGNMENT) else set()
    return frozenset(own).union(*map(_parts_filed, parts_of(tree)))
