package kibana_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

const deploy = "../../../deploy/kibana/"

// TestObjectFiles keeps deploy/kibana as the declarations have it.
func TestObjectFiles(t *testing.T) {
	for _, m := range []schema.Mapping{schema.ECS, schema.OTel} {
		set, err := kibana.Build(kibana.Options{Mapping: m})
		require.NoError(t, err)
		want, err := set.NDJSON()
		require.NoError(t, err)
		file := deploy + m.String() + ".ndjson"
		if os.Getenv("UPDATE_GOLDEN") != "" {
			require.NoError(t, os.WriteFile(file, want, 0o644))
		}
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		if string(got) != string(want) {
			t.Errorf("%s is not what the declarations say: run make generate-docs", file)
		}
	}
}
