// Package flowelasticsearchexporter writes flow records to Elasticsearch: each once, or to
// the stream of those that were rejected. See README.md.
package flowelasticsearchexporter
