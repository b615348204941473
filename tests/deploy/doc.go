// Package deploy tests what is installed in a cluster: the image, and the manifests
// of the chart, on real nodes.
package deploy
