// Package e2e tests the built binary as a black box: its command line, its
// shipped configurations, and the flows it records, keeps and serves.
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// binary is the collector under test: bin/otelcol-flowlogs of this tree, or
// what FLOWLOGS_BINARY names.
var binary = os.Getenv("FLOWLOGS_BINARY")

// root is the top of the repository.
const root = "../.."

func TestMain(m *testing.M) {
	if order := os.Getenv(trafficEnv); order != "" {
		if err := makeTraffic(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if binary == "" {
		binary = filepath.Join(root, "bin", "otelcol-flowlogs")
	}
	path, err := filepath.Abs(binary)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "no binary to test: %v; run make build, or set FLOWLOGS_BINARY\n", err)
		os.Exit(1)
	}
	binary = path
	os.Exit(m.Run())
}
