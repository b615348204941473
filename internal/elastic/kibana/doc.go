// Package kibana says what people see of flow records in Kibana: data views, Discover
// sessions and dashboards, one file each. Fields are named by the attributes of the registry
// (internal/flow); what they are called in the documents is the schema's to say, so the same
// declarations serve both mappings.
//
// A panel counts each connection once, as (*flow.Flow).CountsOnce does, by the query that
// site.once is. The exceptions are measurements that belong to who reports them, such as
// retransmissions: they are of both ends, and say so.
//
// The reasons are in docs/design/elasticsearch.md.
package kibana
