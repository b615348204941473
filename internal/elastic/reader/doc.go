// Package reader answers the questions of flowstore.Reader and Watcher out of Elasticsearch:
// what the flow_elasticsearch exporter, or anybody else, has put into the data streams of
// internal/elastic/schema. Every request goes out in the context of who asks, so that a
// transport which passes their credentials on lets Elasticsearch decide what they see. The
// reasons are in docs/design/elasticsearch.md.
package reader
