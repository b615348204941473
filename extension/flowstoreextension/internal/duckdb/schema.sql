CREATE TABLE IF NOT EXISTS flow_store_schema (version INTEGER NOT NULL);

-- The IDs of everything stored, as runs of counters. A run is written with the
-- batch that begins it, in the same transaction; runs that touch are joined when
-- the store compacts the table.
CREATE TABLE IF NOT EXISTS flow_store_ids (
    node    UINTEGER NOT NULL,
    epoch   UINTEGER NOT NULL,
    first   UBIGINT  NOT NULL,
    last    UBIGINT  NOT NULL,
    newest  BIGINT   NOT NULL  -- the latest end of the records of the run, Unix ns
);
