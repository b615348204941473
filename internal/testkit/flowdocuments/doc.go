// Package flowdocuments puts index templates and flow records into the Elasticsearch of a
// test, as the flow_elasticsearch extension and exporter do.
package flowdocuments
