// Package elastic looks at flows with the Flow Visualizer that the exporter wrote to a real
// Elasticsearch, as the example configuration puts them together.
package elastic
