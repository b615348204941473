// Package elastictest holds the documents and the templates against a real Elasticsearch.
package elastictest
