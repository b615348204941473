// Package roles says what those who deal with flow records in an Elasticsearch have to
// be allowed, and no more.
package roles

import (
	"bytes"
	"encoding/json"
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
	// Query restricts Index to the flows that it finds; "" is all of them. What agents tell
	// of themselves is of no namespace, and without it nobody knew what is missing.
	Query string
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

// ReaderOf returns the role of who looks at the flows of one namespace of Kubernetes, in
// Kibana or the Flow Visualizer.
func ReaderOf(namespace string) Role {
	end := func(of string) string { return fmt.Sprintf(`{"term":{"%s.k8s.namespace.name":%q}}`, of, namespace) }
	return Role{
		Name:    "flowlogs_reader_of_" + namespace,
		About:   "Who looks at the flows of one namespace of Kubernetes: those that begin or end there. Put its name\nin the place of " + namespace + ". It takes a licence with document-level security.",
		Classes: []schema.Class{schema.Allowed, schema.Denied, schema.Observer},
		Index:   []string{"read", "view_index_metadata"},
		Query:   `{"bool":{"should":[` + end("source") + "," + end("destination") + `]}}`,
		Kibana:  []string{"feature_discover.read", "feature_dashboard.read"},
	}
}

const (
	// kibana is what Elasticsearch calls it, space its default one.
	kibana, space = "kibana-.kibana", "space:default"
)

// YAML returns roles in the form of Elasticsearch's roles.yml.
func YAML(roles []Role) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for _, r := range roles {
		r.writeAbout(&b)
		fmt.Fprintf(&b, "%s:\n", r.Name)
		if len(r.Cluster) > 0 {
			fmt.Fprintf(&b, "  cluster: [%s]\n", strings.Join(r.Cluster, ", "))
		}
		if len(r.Index) > 0 {
			b.WriteString("  indices:\n")
		}
		for _, g := range r.grants() {
			b.WriteString("    - names:\n")
			for _, name := range g.Names {
				fmt.Fprintf(&b, "        - %q\n", name)
			}
			fmt.Fprintf(&b, "      privileges: [%s]\n", strings.Join(g.Privileges, ", "))
			if g.Query != "" {
				fmt.Fprintf(&b, "      query: '%s'\n", g.Query)
			}
		}
		if len(r.Kibana) > 0 {
			fmt.Fprintf(&b, "  applications:\n    - application: %s\n", kibana)
			fmt.Fprintf(&b, "      privileges: [%s]\n      resources: [%q]\n", strings.Join(r.Kibana, ", "), space)
		}
	}
	return b.Bytes()
}

// Requests returns roles as requests to Elasticsearch's API, in the form of Kibana's console.
func Requests(roles []Role) []byte {
	type application struct {
		Application string   `json:"application"`
		Privileges  []string `json:"privileges"`
		Resources   []string `json:"resources"`
	}
	var b bytes.Buffer
	b.WriteString(head)
	for _, r := range roles {
		var body struct {
			Cluster      []string      `json:"cluster,omitempty"`
			Indices      []grant       `json:"indices,omitempty"`
			Applications []application `json:"applications,omitempty"`
		}
		body.Cluster, body.Indices = r.Cluster, r.grants()
		if len(r.Kibana) > 0 {
			body.Applications = []application{{kibana, r.Kibana, []string{space}}}
		}
		text, err := json.MarshalIndent(body, "", "  ")
		if err != nil {
			panic(err) // there are texts only
		}
		r.writeAbout(&b)
		fmt.Fprintf(&b, "PUT /_security/role/%s\n%s\n", r.Name, text)
	}
	return b.Bytes()
}

const head = "# Written by make generate-docs from the names of the data streams; do not edit.\n"

// writeAbout writes what a role is for, as a comment.
func (r Role) writeAbout(b *bytes.Buffer) {
	b.WriteString("\n")
	for line := range strings.Lines(r.About + "\n") {
		b.WriteString("# " + line)
	}
}

// grant is what a role may do to some data streams, as Elasticsearch's API has it.
type grant struct {
	Names      []string `json:"names"`
	Privileges []string `json:"privileges"`
	Query      string   `json:"query,omitempty"`
}

func (r Role) grants() []grant {
	switch {
	case len(r.Index) == 0:
		return nil
	case r.Query == "":
		return []grant{{streams(r.Classes), r.Index, ""}}
	}
	var flows, rest []schema.Class
	for _, c := range r.Classes {
		if c == schema.Allowed || c == schema.Denied {
			flows = append(flows, c)
		} else {
			rest = append(rest, c)
		}
	}
	return []grant{{streams(flows), r.Index, r.Query}, {streams(rest), r.Index, ""}}
}

// streams are patterns of data streams.
func streams(classes []schema.Class) []string {
	var names []string
	for _, c := range classes {
		for _, m := range []schema.Mapping{schema.ECS, schema.OTel} { // which share the rejected documents
			if name := m.Stream(c, "*"); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
