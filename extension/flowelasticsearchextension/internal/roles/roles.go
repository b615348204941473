// Package roles says what those who deal with flow records in an Elasticsearch have to
// be allowed, and no more.
package roles

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// Role is one of the server.
type Role struct {
	Name string
	// About says for whom it is, and why it has what it has.
	About string
	// Cluster privileges.
	Cluster []string
	// Classes whose data streams, of every namespace and mapping, it has the privileges
	// Index on.
	Classes []schema.Class
	Index   []string
	// Kibana are privileges of features in Kibana's default space.
	Kibana []string
}

// All returns the roles.
func All() []Role {
	everything := schema.Classes()
	return []Role{
		{
			Name:    "flowlogs_writer",
			About:   "The flow_elasticsearch exporter. It may create documents and, with the first one, the data stream;\nit may not read, change or delete anything.",
			Classes: everything,
			Index:   []string{"create_doc", "auto_configure"},
		},
		{
			Name:    "flowlogs_reader",
			About:   "Who looks at flows, in Kibana for example, which needs the metadata for data views.",
			Classes: []schema.Class{schema.Allowed, schema.Denied, schema.Observer},
			Index:   []string{"read", "view_index_metadata"},
			Kibana:  []string{"feature_discover.read", "feature_dashboard.read"},
		},
		{
			Name:    "flowlogs_setup",
			About:   "The flow_elasticsearch extension. It may put templates and roll data streams over, but not see a document.\nmanage_follow_index is the smallest privilege that allows a rollover; manage would allow to delete.",
			Cluster: []string{"manage_index_templates", "monitor"},
			Classes: everything,
			Index:   []string{"view_index_metadata", "monitor", "manage_follow_index"},
		},
		{
			Name:    "flowlogs_recycler",
			About:   "The same extension where it recycles, beside flowlogs_setup. It may delete indices, but not see a document either.",
			Cluster: []string{"monitor", "indices:admin/index_template/get"},
			Classes: everything,
			Index:   []string{"view_index_metadata", "monitor", "manage_follow_index", "delete_index"},
		},
		{
			Name:   "flowlogs_kibana",
			About:  "Who puts data views and dashboards into Kibana's default space, beside flowlogs_setup if that is the same\nuser. It sees no document. For another space write space:ID here.",
			Kibana: []string{"feature_savedObjectsManagement.all"},
		},
	}
}

// YAML returns roles in the form of Elasticsearch's roles.yml.
func YAML(roles []Role) []byte {
	var b bytes.Buffer
	b.WriteString("# Written by make generate-docs from the names of the data streams; do not edit.\n")
	for _, r := range roles {
		b.WriteString("\n")
		for line := range strings.Lines(r.About + "\n") {
			b.WriteString("# " + line)
		}
		fmt.Fprintf(&b, "%s:\n", r.Name)
		if len(r.Cluster) > 0 {
			fmt.Fprintf(&b, "  cluster: [%s]\n", strings.Join(r.Cluster, ", "))
		}
		if len(r.Index) > 0 {
			b.WriteString("  indices:\n    - names:\n")
			for _, name := range r.streams() {
				fmt.Fprintf(&b, "        - %q\n", name)
			}
			fmt.Fprintf(&b, "      privileges: [%s]\n", strings.Join(r.Index, ", "))
		}
		if len(r.Kibana) > 0 {
			b.WriteString("  applications:\n    - application: kibana-.kibana\n")
			fmt.Fprintf(&b, "      privileges: [%s]\n      resources: [\"space:default\"]\n", strings.Join(r.Kibana, ", "))
		}
	}
	return b.Bytes()
}

// streams are patterns of data streams.
func (r Role) streams() []string {
	var names []string
	for _, c := range r.Classes {
		for _, m := range []schema.Mapping{schema.ECS, schema.OTel} { // which share the rejected documents
			if name := m.Stream(c, "*"); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
