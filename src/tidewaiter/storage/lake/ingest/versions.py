"""Which of the staged rows are new, which are there already, and which must be rejected.

A version is the complete item set of one declaration (in other tables: the rows of one key). Its rows stand or fall
together; an input row that feeds several tables stands or falls in all of them.
"""

from tidewaiter.core.tables import TABLES, Table
from tidewaiter.storage.lake.digest import version_digest
from tidewaiter.storage.lake.ingest.staging import Staged
from tidewaiter.storage.lake.lake import Snapshot
from tidewaiter.storage.lake.schema import quoted


def settle(staged: Staged, snapshot: Snapshot | None) -> None:
    """Make the tables `groups_TABLE` and `line_state` in the staged connection and complete its `rejects`.

    `rows_TABLE` has each staged row's line, group (null where the key is absent) and whether it repeats an earlier
    row; `groups_TABLE` each group's digest, `version` (of an unchanged one, the version it equals) and `state`: new,
    unchanged or rejected. `line_state` has the state of each input row. Without a snapshot everything is compared with
    an empty lake.
    """
    if snapshot is not None:
        snapshot.register(staged.connection)
    for name in staged.tables:
        _group(staged, TABLES[name])
        _compare(staged, TABLES[name], with_lake=snapshot is not None)
        _contradictions(staged, TABLES[name])
    _spread(staged)
    _states(staged)


def _key(table: Table, prefix: str = "") -> str:
    return ", ".join(f"{prefix}{quoted(name)}" for name in table.key)


def _group(staged: Staged, table: Table) -> None:
    """Number the groups: the rows with one key and one supplied version, or none."""
    key, rows = _key(table), "".join(f", {quoted(name)}" for name in table.rows)
    absent = " OR ".join(f"{quoted(name)} IS NULL" for name in table.key)
    staged.connection.execute(f"""
        CREATE TABLE rows_{table.name} AS
        SELECT line, feed, {key}{rows}, given_version, known_at, row_digest, {quoted(table.day)} AS moment,
               CASE WHEN {absent} THEN NULL ELSE dense_rank() OVER (ORDER BY {key}, given_version) END AS "group",
               row_number() OVER (PARTITION BY {key}, given_version{rows}, row_digest
                                  ORDER BY line, feed) > 1 AS repeats
        FROM staged_{table.name}
    """)


def _compare(staged: Staged, table: Table, *, with_lake: bool) -> None:
    """Give each group its digest, its version and its state against what the lake holds."""
    key = _key(table)
    held = (
        f"SELECT {key}, version, any_value(content_digest) AS digest, max(known_at) AS known_at FROM {table.name} "
        f"SEMI JOIN rows_{table.name} USING ({key}) GROUP BY {key}, version"
    )
    nothing = f"SELECT {key}, 1::BIGINT AS version, ''::VARCHAR AS digest, known_at FROM rows_{table.name} WHERE false"
    staged.connection.execute(f"CREATE TABLE held_{table.name} AS {held if with_lake else nothing}")
    staged.connection.execute(f"""
        CREATE TABLE groups_{table.name} AS
        WITH found AS (
            SELECT "group", {key}, given_version, {version_digest("row_digest")} AS digest, max(known_at) AS known_at
            FROM rows_{table.name} WHERE "group" IS NOT NULL AND NOT repeats GROUP BY ALL),
        compared AS (
            SELECT f."group", {_key(table, "f.")}, f.given_version, f.digest, max(h.version) AS latest,
                   bool_or(h.version = f.given_version) AS supplied_held,
                   bool_or(h.version = f.given_version AND h.digest = f.digest) AS supplied_same,
                   arg_max(h.digest, h.version) = f.digest AS latest_same,
                   max(h.version) FILTER (h.digest = f.digest) AS same_version,
                   bool_or(h.digest = f.digest AND h.known_at = f.known_at) AS loaded_before
            FROM found f LEFT JOIN held_{table.name} h USING ({key})
            GROUP BY f."group", {_key(table, "f.")}, f.given_version, f.digest)
        SELECT "group", {key}, digest,
               CASE WHEN given_version IS NULL AND (latest_same OR loaded_before) THEN same_version
                    ELSE coalesce(given_version, latest + 1, 1) END AS version,
               CASE WHEN given_version IS NULL AND (latest_same OR loaded_before) THEN 'unchanged'
                    WHEN given_version IS NULL OR supplied_held IS NOT TRUE THEN 'new'
                    WHEN supplied_same THEN 'unchanged' ELSE 'rejected' END AS state
        FROM compared
    """)


def _contradictions(staged: Staged, table: Table) -> None:
    """Reject what no single row shows: other content of a version, an item twice, two moments, some versions."""
    key, name = _key(table), table.name
    last = quoted((*table.rows, *table.key)[0])
    per_row = "".join(f", {quoted(field)}" for field in table.rows)
    column, connection = f"'{(*table.rows, *table.key)[0]}'", staged.connection
    connection.execute(f"""
        INSERT INTO rejects
        SELECT r.line, 'version', CAST(r.given_version AS VARCHAR),
               'version ' || r.given_version || ' of ' || concat_ws('/', {_key(table, "r.")})
               || ' is in the lake with other content'
        FROM rows_{name} r JOIN groups_{name} g USING ("group") WHERE g.state = 'rejected'
    """)
    connection.execute(f"""
        INSERT INTO rejects
        SELECT unnest(lines), {column}, CAST(value AS VARCHAR),
               'stands more than once with different content: lines ' || array_to_string(lines[:10], ', ')
        FROM (SELECT list_sort(list(line)) AS lines, any_value({last}) AS value, count(DISTINCT row_digest) AS contents
              FROM rows_{name} WHERE "group" IS NOT NULL GROUP BY "group"{per_row})
        WHERE contents > 1
    """)
    connection.execute(f"""
        INSERT INTO rejects
        SELECT line, '{table.day}', CAST(moment AS VARCHAR), 'differs between the rows of ' || concat_ws('/', {key})
               || ': map a moment that is that of the whole'
        FROM rows_{name} SEMI JOIN (
            SELECT "group" FROM rows_{name} WHERE "group" IS NOT NULL GROUP BY "group"
            HAVING count(DISTINCT moment) > 1 AND {"true" if table.rows else "false"}) AS torn USING ("group")
    """)
    connection.execute(f"""
        INSERT INTO rejects
        SELECT line, 'version', NULL, 'some rows of ' || concat_ws('/', {key}) || ' give a version, others do not'
        FROM rows_{name} SEMI JOIN (
            SELECT {key} FROM rows_{name} WHERE "group" IS NOT NULL GROUP BY {key}
            HAVING count(given_version) BETWEEN 1 AND count(*) - 1) AS mixed USING ({key})
    """)


def _spread(staged: Staged) -> None:
    """Reject the other rows of a version with a rejected row, in all tables, until nothing more follows."""
    connection = staged.connection
    connection.execute("CREATE TABLE rejected AS SELECT DISTINCT line FROM rejects")
    grown = True
    while grown:
        before = _count(staged, "rejected")
        for name in staged.tables:
            _spread_table(staged, TABLES[name])
        grown = _count(staged, "rejected") > before
    for name in staged.tables:
        connection.execute(f"""
            UPDATE groups_{name} SET state = 'rejected'
            WHERE "group" IN (SELECT "group" FROM rows_{name} SEMI JOIN rejected USING (line))
        """)


def _spread_table(staged: Staged, table: Table) -> None:
    what = f"'item ' || min({quoted(table.rows[0])})" if table.rows else "'line ' || min(line)"
    known = f"{what}" if not table.rows else f"coalesce({what}, 'line ' || min(line))"
    staged.connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE siblings AS
        WITH fallen AS (SELECT "group", 'sibling ' || {known} AS reason FROM rows_{table.name}
                        SEMI JOIN rejected USING (line) WHERE "group" IS NOT NULL GROUP BY "group")
        SELECT r.line, min(f.reason) AS reason FROM rows_{table.name} r JOIN fallen f USING ("group")
        ANTI JOIN rejected USING (line) GROUP BY r.line
    """)
    staged.connection.execute(
        "INSERT INTO rejects SELECT line, NULL, NULL, reason || ' of the same declaration is rejected' FROM siblings"
    )
    staged.connection.execute("INSERT INTO rejected SELECT line FROM siblings")


def _count(staged: Staged, table: str) -> int:
    ((count,),) = staged.connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(count)


def _states(staged: Staged) -> None:
    """Say of each input row whether it is rejected, accepted (adds to a new version) or unchanged."""
    adds = " UNION ".join(
        f"SELECT line FROM rows_{name} JOIN groups_{name} USING (\"group\") WHERE state = 'new' AND NOT repeats"
        for name in staged.tables
    )
    staged.connection.execute(f"""
        CREATE TABLE line_state AS
        SELECT l.line, CASE WHEN r.line IS NOT NULL THEN 'rejected'
                            WHEN a.line IS NOT NULL THEN 'accepted' ELSE 'unchanged' END AS state
        FROM lines l LEFT JOIN rejected r USING (line) LEFT JOIN ({adds}) a USING (line)
    """)
