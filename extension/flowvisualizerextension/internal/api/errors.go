package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// The codes that a client tells errors apart by.
const (
	codeBadQuery         = "bad_query"
	codeBadRequest       = "bad_request"
	codeUnauthenticated  = "unauthenticated"
	codeForbidden        = "forbidden"
	codeNotFound         = "not_found"
	codeStoreUnavailable = "store_unavailable"
	codeTimeout          = "timeout"
	codeInternal         = "internal"
)

// requestError is an answer other than success. Message goes to the client and
// says what to do.
type requestError struct {
	status  int
	code    string
	message string
	// field is the request parameter at fault, if one is.
	field string
	// offset is the byte in the filter at which its reading stopped; only
	// codeBadQuery has one.
	offset *int
}

func (e *requestError) Error() string { return e.message }

// badParameter says that a request parameter cannot be used as it is.
func badParameter(field, format string, args ...any) *requestError {
	return &requestError{status: http.StatusBadRequest, code: codeBadRequest, field: field, message: fmt.Sprintf(format, args...)}
}

// answerFor turns an error of a handler into an answer. It returns nil when the
// client is gone and nobody waits for one.
func (h *Handler) answerFor(r *http.Request, err error) *requestError {
	var (
		asked      *requestError
		unreadable *filter.Error
	)
	switch {
	case errors.As(err, &asked):
		return asked
	case errors.As(err, &unreadable):
		return &requestError{
			status: http.StatusBadRequest, code: codeBadQuery, field: "q",
			message: unreadable.Message, offset: &unreadable.Offset,
		}
	case r.Context().Err() != nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &requestError{
			status: http.StatusGatewayTimeout, code: codeTimeout,
			message: fmt.Sprintf("the store needs longer than %s: ask for a shorter time range, or raise query_timeout of the flow_visualizer extension", h.timeout),
		}
	case errors.Is(err, flowstore.ErrCursor):
		return badCursor("cursor")
	case errors.Is(err, flowstore.ErrQuery):
		return &requestError{status: http.StatusBadRequest, code: codeBadRequest, message: err.Error()}
	case errors.Is(err, flowstore.ErrUnauthenticated):
		return &requestError{
			status: http.StatusUnauthorized, code: codeUnauthenticated,
			message: "the store asks who you are: log in; if you did, flow_visualizer needs include_metadata: true to pass that on",
		}
	case errors.Is(err, flowstore.ErrForbidden):
		return &requestError{status: http.StatusForbidden, code: codeForbidden, message: err.Error()}
	case errors.Is(err, flowstore.ErrUnavailable):
		h.logger.Warn("The flow store cannot be asked.", zap.String("path", r.URL.Path), zap.Error(err))
		return &requestError{
			status: http.StatusServiceUnavailable, code: codeStoreUnavailable,
			message: "the store's server cannot be reached, or has too much to do; the collector's log says more",
		}
	case errors.Is(err, flowstore.ErrClosed):
		return &requestError{
			status: http.StatusServiceUnavailable, code: codeStoreUnavailable,
			message: "the store is not open: the collector is starting or stopping, or its log says why the store could not open",
		}
	default:
		h.logger.Error("The flow store could not answer.", zap.String("path", r.URL.Path), zap.Error(err))
		return &requestError{
			status: http.StatusInternalServerError, code: codeInternal,
			message: "the store could not answer; the collector's log says why",
		}
	}
}

// writeError answers with e.
func writeError(w http.ResponseWriter, e *requestError) {
	body, err := json.Marshal(errorBody{errorDetail{Code: e.code, Message: e.message, Field: e.field, Offset: e.offset}})
	if err != nil { // strings and an int always marshal
		panic(err)
	}
	header := w.Header()
	// What a handler announced about its answer does not hold for an error.
	header.Del("Content-Disposition")
	header.Set("Content-Type", contentTypeJSON)
	if e.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Basic realm="flow records", charset="UTF-8"`) // so that a browser asks
	}
	w.WriteHeader(e.status)
	_, _ = w.Write(append(body, '\n'))
}
