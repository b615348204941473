// Package request makes single requests of Elasticsearch and says what was wrong with
// those that it refused.
package request
