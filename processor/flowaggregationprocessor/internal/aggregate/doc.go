// Package aggregate merges flow records that come as log records.
//
// An Aggregator keeps windows of time. A Window holds groups: all records that agree in
// the attributes of a Plan's key become one. A window has a dictionary of its own, in
// which every value is a small number, so that keys are a few bytes, comparisons are of
// integers, and all of it is let go of at once.
//
// What becomes of an attribute that is not in the key is what the registry says of
// it (flow.Merging). Nothing here knows an attribute by its name but for the levels
// (levels.go) and what counts connections (connections.go).
package aggregate
