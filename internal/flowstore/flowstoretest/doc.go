// Package flowstoretest is the suite that every flow store passes. It writes
// seeded random records and compares each of the store's answers with one that
// is computed in memory from the definitions: flowstore.Selection.Includes,
// filter.Expr.Match and flow.Flow.Merge.
package flowstoretest
