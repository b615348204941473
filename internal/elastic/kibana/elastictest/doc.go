// Package elastictest runs what the dashboards and Discover sessions ask for on a real
// Elasticsearch, over documents as the exporter writes them.
package elastictest
