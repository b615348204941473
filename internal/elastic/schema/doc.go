// Package schema says what the documents of flow records look like in Elasticsearch, to
// those who write them, who set the server up, and who read them: the data streams, the
// field that each attribute of the registry (internal/flow) is in, and the templates that
// map these fields. The reasons are in docs/design/elasticsearch.md.
//
// Everything here is a value or a function of values, safe for concurrent use.
package schema
