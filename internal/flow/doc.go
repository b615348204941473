// Package flow holds the record that every component of this collector speaks:
// the typed Flow, the Key two records must share to be merged, the registry of
// attributes, and the codec between a Flow and an OpenTelemetry log record.
//
// A Flow says what one reporter saw of the traffic between two endpoints during
// one interval. Counters belong to the side that sent, not to the reporter, so
// the source's and the destination's reports of one connection agree.
//
// The registry (registry.go) is the only place that knows an attribute's name.
// Documentation, store columns, query fields and index templates are generated
// from it or tested against it.
//
// Nothing here is safe for concurrent mutation; a Flow is a plain value that its
// holder owns.
package flow
