package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A line of the Test Anything Protocol, which the page's own tests print.
var tapLine = regexp.MustCompile(`(?m)^(not )?ok\b\s*\d*\s*-?\s*(.*)$`)

// TestPagesInChromium runs the tests of the Flow Visualizer's pages against
// the binary, while this machine makes traffic.
func TestPagesInChromium(t *testing.T) {
	c := start(t, t.TempDir()).ready()
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-time.After(300 * time.Millisecond):
				if _, err := connect(5, "GET", "some answer"); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	defer func() { close(quit); <-done }()
	c.eventually("the first flows", func() error { return c.anyGroup() })

	cmd := exec.CommandContext(t.Context(), "npm", "run", "--silent", "e2e")
	cmd.Dir = filepath.Join(root, "extension", "flowvisualizerextension", "internal", "ui")
	cmd.Env = append(os.Environ(), "FLOW_VISUALIZER_URL="+c.base)
	out, err := cmd.CombinedOutput()
	lines := tapLine.FindAllStringSubmatch(string(out), -1)
	if err != nil || len(lines) == 0 {
		t.Errorf("the page's tests: %v\n%s", err, out)
	}
	for _, line := range lines {
		t.Run(line[2], func(t *testing.T) {
			switch {
			case line[1] != "":
				t.Fail()
			case strings.Contains(strings.ToUpper(line[2]), "# SKIP"):
				t.Skip(line[2])
			}
		})
	}
}
