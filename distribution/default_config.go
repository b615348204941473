package main

import (
	_ "embed"
	"os"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/distribution/internal/defaultconfig"
)

// The collector runs this when no --config is given: it records this
// machine's flows, stores them and shows them, with no server.
//
//go:embed default.yaml
var defaultConfig string

// ocb owns main and gives it no hook, and the collector reads its flags from
// os.Args; the default therefore enters as an argument, before main runs.
func init() {
	os.Args = append(os.Args[:1:1], defaultconfig.Args(os.Args[1:], defaultConfig)...)
}
