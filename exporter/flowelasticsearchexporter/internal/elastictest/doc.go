// Package elastictest runs the exporter against a real Elasticsearch, which is killed,
// blocked and asked for rights meanwhile.
package elastictest
