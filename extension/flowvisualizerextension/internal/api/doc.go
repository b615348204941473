// Package api serves the Flow Visualizer over HTTP: the versioned JSON API under
// /api/v1, its OpenAPI document, the live stream and the web UI's files.
//
// A Handler turns one request into one question to a flowstore.Reader and
// writes the answer; it keeps no state between requests. Records are written
// from the registry in internal/flow, so an attribute that is added there is
// served without a change here.
package api
