// Package elastictest tests the extension and its roles on a real Elasticsearch.
package elastictest
