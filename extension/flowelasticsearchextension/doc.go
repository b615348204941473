// Package flowelasticsearchextension sets an Elasticsearch up for flow records, so that
// those who write them need no more than the right to create documents.
package flowelasticsearchextension
