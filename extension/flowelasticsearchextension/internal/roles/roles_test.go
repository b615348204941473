package roles

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRolesFile(t *testing.T) {
	const file = "../../../../deploy/elasticsearch/roles.yml"
	want := YAML(All())
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(file, want, 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run make generate-docs")
}
