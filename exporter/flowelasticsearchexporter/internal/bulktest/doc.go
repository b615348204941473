// Package bulktest is a server with Elasticsearch's bulk API for tests, and with its
// failures: those that a real one cannot be made to have.
package bulktest
