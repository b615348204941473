// Package flowstoretest is the suite that every flow store passes. It writes
// seeded random records and compares each of the store's answers with that of
// memstore, which looks at every record and goes by the definitions:
// flowstore.Selection.Includes, filter.Expr.Match and flow.Flow.Merge.
package flowstoretest
