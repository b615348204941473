// Package release makes what is installed: the image, and the manifests of the chart.
package release

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Template renders the chart of the checkout at root as `helm template` does, with values in
// YAML.
func Template(ctx context.Context, root, values string) (manifests string, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "run", ".", "template",
		"-chart="+filepath.Join(root, "deploy/helm/otelcol-flowlogs"), "-values=/dev/stdin")
	cmd.Dir = filepath.Join(root, "tools/chart")
	cmd.Stdin = strings.NewReader(values)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("render the chart: %w\n%s", err, stderr.String())
	}
	return string(out), nil
}

// WriteImage writes the image of a binary to the file archive as `make image` does, and returns what
// that prints. The paths are absolute or begin at root.
func WriteImage(ctx context.Context, root, binary, archive string) (printed string, err error) {
	cmd := exec.CommandContext(ctx, "go", "run", "./distribution/image", "-binary="+binary, "-out="+archive)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("write the image: %w\n%s\nrun make build first", err, out)
	}
	return string(out), nil
}
