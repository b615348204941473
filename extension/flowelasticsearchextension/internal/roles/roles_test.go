package roles

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRolesFiles(t *testing.T) {
	for name, want := range map[string][]byte{
		"roles.yml":            YAML(All()),
		"roles.console":        Requests(All()),
		"namespace-reader.yml": YAML([]Role{ReaderOf("shop")}),
	} {
		file := filepath.Join("../../../../deploy/elasticsearch", name)
		if os.Getenv("UPDATE_GOLDEN") != "" {
			require.NoError(t, os.WriteFile(file, want, 0o644))
		}
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "%s: run make generate-docs", name)
	}
}

// TestRequestsAreTheRoles reads what a console would send.
func TestRequestsAreTheRoles(t *testing.T) {
	all := append(All(), ReaderOf("shop"))
	requests := strings.Split(string(Requests(all)), "\nPUT /_security/role/")[1:]
	require.Len(t, requests, len(all))
	for i, request := range requests {
		name, body, _ := strings.Cut(request, "\n")
		require.Equal(t, all[i].Name, name)
		body, _, _ = strings.Cut(body, "\n\n#")
		var role struct {
			Cluster      []string
			Indices      []grant
			Applications []struct{ Privileges, Resources []string }
		}
		require.NoError(t, json.Unmarshal([]byte(body), &role), body)
		require.Equal(t, all[i].Cluster, role.Cluster)
		require.Equal(t, all[i].grants(), role.Indices)
		if len(all[i].Kibana) > 0 {
			require.Equal(t, all[i].Kibana, role.Applications[0].Privileges)
		}
	}
}
