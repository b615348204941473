// Package connection says how to reach an Elasticsearch and makes the client for it. The
// keys are those of the contrib distribution's elasticsearch exporter.
package connection
