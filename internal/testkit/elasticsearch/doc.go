// Package elasticsearch runs a real Elasticsearch for tests: the distribution
// that Elastic publishes for integration tests, on a free port of the loopback
// interface, with its data in a temporary directory.
//
// That distribution has data streams by template, rollover, aliases, search,
// the file realm, roles.yml and TLS, but no lifecycle management, ingest
// processor, scripting or REST API of data streams; GET / answers 405.
package elasticsearch
