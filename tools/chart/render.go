package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	release "helm.sh/helm/v4/pkg/release/v1/util"
)

// releaseName is the release, and the namespace it is in.
const releaseName = "otelcol-flowlogs"

// rendered is what an installation is made of.
type rendered struct {
	// objects are manifests in the order in which they are installed.
	objects []release.Manifest
	notes   string
}

// render renders the chart in dir as helm does, which checks the values by its schema.
func render(dir string, values map[string]any) (rendered, error) {
	chart, err := loader.Load(dir)
	if err != nil {
		return rendered{}, fmt.Errorf("load chart: %w", err)
	}
	options := common.ReleaseOptions{Name: releaseName, Namespace: releaseName, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(chart, values, options, common.DefaultCapabilities.Copy())
	if err != nil {
		return rendered{}, fmt.Errorf("check values: %w", err)
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return rendered{}, fmt.Errorf("render chart: %w", err)
	}
	var r rendered
	for path, text := range files {
		switch {
		case filepath.Base(path) == "NOTES.txt":
			r.notes = text
			delete(files, path)
		case strings.HasPrefix(filepath.Base(path), "_"):
			delete(files, path)
		}
	}
	_, r.objects, err = release.SortManifests(files, nil, release.InstallOrder)
	if err != nil {
		return rendered{}, fmt.Errorf("sort manifests: %w", err)
	}
	return r, nil
}

// stream joins objects as one file for kubectl.
func stream(objects []release.Manifest) string {
	var b strings.Builder
	for _, o := range objects {
		fmt.Fprintf(&b, "---\n%s\n", strings.TrimSpace(o.Content))
	}
	return b.String()
}
