// Package flowvisualizerextension serves the Flow Visualizer: a web UI and an
// HTTP API over the flow records of a store extension.
package flowvisualizerextension
