// Package elastictest tests the reader on a real Elasticsearch.
package elastictest
