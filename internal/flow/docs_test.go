package flow_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const (
	fieldsFile = "../../docs/fields.md"

	fieldsIntro = `<!-- Generated from internal/flow by UPDATE_GOLDEN=1 go test ./internal/flow; do not edit. -->

# Fields

Every record is an OpenTelemetry log record with an empty body. Its event name says which of three kinds it is; its
timestamp is the end of its interval, its severity INFO, or WARN where something was denied or lost. What the record
says is in its attributes; who observed it is in the resource's, marked *resource* below.

Types: a *keyword* is text, an *address* an IP address in its canonical form (IPv4 mapped into IPv6 is written as IPv4),
a *time* nanoseconds since the Unix epoch, *keywords* a list of texts, a *map* text by text. Roles: a *dimension* tells records apart and can be grouped by, a *counter* adds up over records, a
*gauge* does not. *Merged* says what several values become in a record that flow_aggregation makes of
several: the *common* one if there is one, their *sum*, *least*, *most*, *union* or *intersection*, *mixed* if they differ; some are *computed* from
others, or *new*. Counters belong to the side that sent, not to the side that reports. An attribute that is absent is not known, or does not
apply; zero is zero. *Elasticsearch*, *ECS* and *Calico* give the mapping type, in which a map is a list of "key=value", the name in the Elastic Common Schema
and the name in Calico Enterprise's flow logs. [Fields in Elasticsearch](elasticsearch-fields.md) has the whole document.

`
)

// TestFieldsDocumentation keeps docs/fields.md as the registries have it.
func TestFieldsDocumentation(t *testing.T) {
	var b strings.Builder
	b.WriteString(fieldsIntro)
	document(&b, flow.EventFlow, "What one reporter saw between two endpoints during one interval.", of(flow.Flows))
	document(&b, flow.EventLoss, "Something was lost on the way; the flows beside it are that much short.", of(flow.Losses))
	document(&b, flow.EventAgent, "A sign of life that a capturing agent sends when it starts, each interval, and when it stops.", of(flow.Agents))
	want := strings.TrimRight(b.String(), "\n") + "\n"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(fieldsFile, []byte(want), 0o644))
	}
	got, err := os.ReadFile(fieldsFile)
	require.NoError(t, err, "run UPDATE_GOLDEN=1 go test ./internal/flow")
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/fields.md is not what the registries say: run UPDATE_GOLDEN=1 go test ./internal/flow\n%s", diff)
	}
}

// groups are the headings, by the prefixes of the names under them.
var groups = []struct {
	heading  string
	prefixes []string
}{
	{"Observer", []string{"host.", "k8s."}},
	{"Network", []string{"network."}},
	{"Source", []string{"source."}},
	{"Destination", []string{"destination."}},
	{"Process of the reporter", []string{"process.", "container."}},
	{"Connections", []string{"flow.connections."}},
	{"TCP", []string{"flow.tcp."}},
	{"DNS", []string{"flow.dns."}},
	{"Loss", []string{"flow.loss."}},
	{"Agent", []string{"flow.agent."}},
	{"Record", []string{"flow."}},
}

func document(b *strings.Builder, event, what string, list []flow.Attribute) {
	fmt.Fprintf(b, "## `%s`\n\n%s\n\n", event, what)
	byHeading := make(map[string][]flow.Attribute)
	var order []string
	for _, a := range list {
		heading := headingOf(a.Name)
		if byHeading[heading] == nil {
			order = append(order, heading)
		}
		byHeading[heading] = append(byHeading[heading], a)
	}
	for _, heading := range order {
		fmt.Fprintf(b, "### %s\n\n", heading)
		b.WriteString("| Name | Type | Role | Merged | Unit | Elasticsearch | ECS | Calico | Meaning | Absent |\n")
		b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
		for _, a := range byHeading[heading] {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", a.Name, a.Type, role(a), a.Merge, code(a.Unit),
				code(a.Elastic), code(a.ECS), code(a.Calico), meaning(a), a.Absent)
		}
		b.WriteByte('\n')
	}
}

func headingOf(name string) string {
	for _, g := range groups {
		for _, prefix := range g.prefixes {
			if strings.HasPrefix(name, prefix) {
				return g.heading
			}
		}
	}
	panic("no heading for " + name)
}

func role(a flow.Attribute) string {
	if a.Resource {
		return a.Role.String() + ", resource"
	}
	return a.Role.String()
}

func meaning(a flow.Attribute) string {
	if len(a.Values) == 0 {
		return a.Description
	}
	return a.Description + " One of `" + strings.Join(a.Values, "`, `") + "`."
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
