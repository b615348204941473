package schema_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

const (
	fieldsFile = "../../../docs/elasticsearch-fields.md"

	fieldsIntro = `<!-- Generated from internal/elastic/schema by UPDATE_GOLDEN=1 go test ./internal/elastic/schema; do not edit. -->

# Fields in Elasticsearch

What becomes of a [record](fields.md) in Elasticsearch: the data stream it goes to, and the field that each attribute is in. The reasons
are in [the design](design/elasticsearch.md).

Each class of documents has a data stream for each namespace, ` + "`default`" + ` unless the configuration says otherwise. One data view finds all
flows: ` + "`" + schema.FlowPattern + "`" + `.

| Class | Data stream | With ` + "`mapping: otel`" + ` | Holds |
| --- | --- | --- | --- |
`

	fieldsNotes = `
*Search*: an *index* answers at once; *values* are looked through, which does for what narrows a search down, for sums and for grouping; what is only
*shown* cannot be searched for. *Also as* are names by which searches and aggregations find the same field: the attribute's own, and that of
Calico Enterprise. A map is a list of ` + "`key=value`" + `: search for ` + "`source.k8s.pod.labels: \"app=web\"`" + `. Texts longer than %d characters are kept, but not found.

An attribute that no record of ours has, of the record or of its resource, is in ` + "`labels.NAME`" + ` as text, with underscores for the dots of its name; at most 32
of them. The ids of records are the ` + "`_id`" + ` of their documents.

With ` + "`mapping: otel`" + ` attributes keep their names below ` + "`attributes`" + `, and those of the resource below ` + "`resource.attributes`" + `. Searches find them by their
own names too, and by Calico's. Beside them are ` + "`@timestamp`, `observed_timestamp`, `event_name`, `severity_number`, `severity_text` and `data_stream`" + `; what is not marked
with an attribute below is not there. Rejected documents are the same in both.
`
)

var classes = []struct {
	class          schema.Class
	heading, holds string
}{
	{schema.Allowed, "Flows", "flows that were allowed, and those of which nobody says"},
	{schema.Denied, "", "flows that were denied"},
	{schema.Observer, "Observers", "what agents tell of themselves: losses and signs of life"},
	{schema.Rejected, "Rejected documents", "what Elasticsearch refused, and log records that are no flow records"},
}

// TestFieldsDocumentation keeps docs/elasticsearch-fields.md as the schema has it.
func TestFieldsDocumentation(t *testing.T) {
	var b strings.Builder
	b.WriteString(fieldsIntro)
	for _, c := range classes {
		fmt.Fprintf(&b, "| %s | `%s` | `%s` | %s |\n", c.class, schema.ECS.Stream(c.class, "NAMESPACE"), schema.OTel.Stream(c.class, "NAMESPACE"), c.holds)
	}
	fmt.Fprintf(&b, fieldsNotes, schema.MaxText)
	for _, c := range classes {
		if c.heading == "" {
			continue // as the one before
		}
		fmt.Fprintf(&b, "\n## %s\n\n| Field | Type | Search | Attribute, or what it holds | Also as |\n| --- | --- | --- | --- | --- |\n", c.heading)
		for _, f := range schema.ECS.FieldsOf(c.class) {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.Path, f.Type, search(f), origin(f), code(f.Aliases))
		}
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(fieldsFile, []byte(b.String()), 0o644))
	}
	got, err := os.ReadFile(fieldsFile)
	require.NoError(t, err, "run UPDATE_GOLDEN=1 go test ./internal/elastic/schema")
	if diff := cmp.Diff(b.String(), string(got)); diff != "" {
		t.Errorf("docs/elasticsearch-fields.md is not what the schema says: run UPDATE_GOLDEN=1 go test ./internal/elastic/schema\n%s", diff)
	}
}

func search(f schema.Field) string {
	switch {
	case f.Path == schema.ID:
		return "by id"
	case f.Stored:
		return "shown"
	case f.Indexed:
		return "index"
	default:
		return "values"
	}
}

func origin(f schema.Field) string {
	if f.Attribute != nil {
		return "`" + f.Attribute.Name + "`"
	}
	return f.Description
}

func code(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "`, `") + "`"
}
