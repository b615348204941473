// Package kibanaclient puts the project's data views, Discover sessions and dashboards into
// a Kibana, by the API that its own import uses.
package kibanaclient
