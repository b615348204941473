package api

import (
	"context"
	"fmt"
	"net/http"
)

// basePath is the root of this version of the API. What is served under it only
// grows; a change that breaks a client gets a new version beside it.
const basePath = "/api/v1"

// route is one endpoint: query answers with one JSON document, write with
// something longer.
type route struct {
	path  string
	query func(context.Context, params) ([]byte, error)
	write func(http.ResponseWriter, *http.Request, params) error
	// stream marks an answer that never ends, which must not be buffered.
	stream bool
}

func (h *Handler) routes() []route {
	return []route{
		{path: "/status", query: h.status},
		{path: "/fields", query: h.fields},
		{path: "/flows", query: h.flows},
		{path: "/flows.csv", write: h.flowsCSV},
		{path: "/flows.ndjson", write: h.flowsNDJSON},
		{path: "/groups", query: h.groups},
		{path: "/histogram", query: h.histogram},
		{path: "/values", query: h.values},
		{path: "/losses", query: h.losses},
		{path: "/stream", write: h.stream, stream: true},
		{path: "/openapi.json", query: h.openapi},
	}
}

const allowedMethods = "GET, HEAD, OPTIONS"

// readOnly lets requests through that only read; nothing here can be changed
// over HTTP.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			next.ServeHTTP(w, r)
		case http.MethodOptions:
			w.Header().Set("Allow", allowedMethods)
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Allow", allowedMethods)
			writeError(w, &requestError{
				status: http.StatusMethodNotAllowed, code: codeBadRequest,
				message: fmt.Sprintf("%s is not possible here: use GET", r.Method),
			})
		}
	})
}

func noEndpoint(w http.ResponseWriter, r *http.Request) {
	writeError(w, &requestError{
		status: http.StatusNotFound, code: codeNotFound,
		message: fmt.Sprintf("there is no %s: %s/openapi.json lists what there is", r.URL.Path, basePath),
	})
}
