package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// pageCheck is what the pages' own tests print for each check, with the reason
// on the next line of one that failed.
var pageCheck = regexp.MustCompile(`(?m)^(ok|FAILED) +(.+)$(?:\n +(.+)$)?`)

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
	lines := pageCheck.FindAllStringSubmatch(string(out), -1)
	reported := false
	for _, line := range lines {
		t.Run(line[2], func(t *testing.T) {
			if line[1] == "FAILED" {
				reported = true
				t.Error(line[3])
			}
		})
	}
	if len(lines) == 0 || err != nil && !reported {
		t.Errorf("the page's tests: %v\n%s", err, out)
	}
}
