// Package document writes flow records as the documents of Elasticsearch that
// internal/elastic/schema describes.
package document
