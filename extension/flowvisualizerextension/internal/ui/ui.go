// Package ui holds the Flow Visualizer's web page, built from src by Vite and
// embedded in the binary.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the page: index.html at the root, beside it what index.html
// names. Names below assets/ carry a hash of their content, so they may be
// cached for ever. Nothing in it asks another host for anything.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path, which is all that Sub checks.
	}
	return files
}
