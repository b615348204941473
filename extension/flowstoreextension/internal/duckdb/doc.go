// Package duckdb keeps flow records in an embedded DuckDB database, in one file
// that the stock duckdb command opens. It is the only package that needs cgo.
//
// # Tables
//
// Each kind of record has a base table with a column per attribute of its
// registry and a view (flows, losses, agents) that shows the attributes only. An
// absent attribute is NULL, an empty text is not. Derived attributes are stored
// too, because a query then needs no second definition of them; they compress to
// almost nothing. A registry that gained attributes adds their columns when the
// file is opened; a file with a higher layout version is refused.
//
// # Addresses
//
// The INET type is an extension that would have to be fetched. An address is kept
// as text, for people and for display, and beside it in a "….key" column as
// bytes that sort like addresses: a prefix is one range of keys, and grouping by
// the five bytes of an IPv4 address is cheaper than by its text. A column of
// 128-bit integers would serve as well, but an address repeats much within a row
// group, and DuckDB keeps a dictionary for bytes and none for integers. A list of
// addresses, which merged records have, has a list of keys beside it.
//
// # Idempotence
//
// A unique index over the IDs would be kept in memory whole and slows appending.
// IDs count up, so that a set of runs holds them (idset.go); the runs are written
// in the transaction of their records and read back when the file is opened. IDs
// are forgotten with the records, and, past four million runs, those of the agent
// that was quiet for longest; a record of that agent that is sent once more then
// counts twice.
//
// # Writing
//
// One goroutine owns the writing connection. It takes all writes that wait and
// commits them together, so that a commit, which waits for the disk (DuckDB syncs
// its write-ahead log before COMMIT returns), is shared by them. When DuckDB
// gives up on the file, as it does when the disk fills up in the middle of a
// commit, the goroutine opens the file anew with the next write.
//
// # Deleting
//
// DELETE frees a block when a whole row group (122,880 records) is gone and a
// checkpoint has passed; the block is then used again, but only the end of the
// file is given back to the system. The limit on size therefore acts early: at 85
// percent of it, or 8 MiB below it, the oldest records go until 75 percent are
// left, measured in blocks in use, and the file itself stops growing there. The rest is for the
// log, which holds records unpacked at about 400 bytes each and is kept under a
// sixteenth of the limit, and for the blocks that a checkpoint writes before it
// frees their predecessors.
package duckdb
