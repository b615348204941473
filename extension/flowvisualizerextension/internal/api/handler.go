package api

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const (
	// maxQueries is how many queries the store works on at a time; others wait
	// within their timeout. A browser tab asks for about four things at once.
	maxQueries = 8
	// maxStreams bounds the live streams, each of which holds a connection open.
	maxStreams = 128
	// writeGrace is how long a client may take to accept one part of a streamed
	// answer before it is let go.
	writeGrace = 30 * time.Second
	// smallestCompressed is the answer in bytes from which compression pays.
	smallestCompressed = 1 << 10
)

const contentTypeJSON = "application/json"

// Options are what a Handler needs.
type Options struct {
	Store flowstore.Source
	// UI holds the web UI's files with index.html at its root; nil serves the API
	// alone.
	UI fs.FS
	// Product and Version name the collector, Host the machine it runs on.
	Product, Version, Host string
	// QueryTimeout bounds one question to the store.
	QueryTimeout time.Duration
	// Hosts restricts the Host header of requests; nil allows every host.
	Hosts *Hosts
	// Now is the clock; nil is time.Now.
	Now    func() time.Time
	Logger *zap.Logger
}

// Handler answers HTTP requests. It is safe for concurrent use.
type Handler struct {
	store   flowstore.Source
	timeout time.Duration
	now     func() time.Time
	logger  *zap.Logger

	product, version, host string

	queries, streams chan struct{}

	closing context.Context
	close   context.CancelFunc

	root http.Handler
}

// New returns a Handler for the store. It reads the UI's files once.
func New(o Options) (*Handler, error) {
	h := &Handler{
		store:   o.Store,
		timeout: o.QueryTimeout,
		now:     o.Now,
		logger:  o.Logger,
		product: o.Product,
		version: o.Version,
		host:    o.Host,
		queries: make(chan struct{}, maxQueries),
		streams: make(chan struct{}, maxStreams),
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.closing, h.close = context.WithCancel(context.Background())
	ui, err := newAssets(o.UI)
	if err != nil {
		return nil, fmt.Errorf("read the web UI's files: %w", err)
	}
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(smallestCompressed), gzhttp.ContentTypes([]string{
		contentTypeJSON, contentTypeCSV, contentTypeNDJSON,
	}))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	mux := http.NewServeMux()
	for _, route := range h.routes() {
		handler := h.endpoint(route)
		if !route.stream {
			handler = compress(handler)
		}
		mux.Handle(basePath+route.path, readOnly(handler))
	}
	mux.Handle("/api/", http.HandlerFunc(noEndpoint))
	mux.Handle("/", readOnly(ui))
	h.root = secured(mux, o.Hosts)
	return h, nil
}

// Close ends the live streams, now and in future. Other requests go on.
func (h *Handler) Close() { h.close() }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.root.ServeHTTP(w, r) }

// endpoint turns what a route's function returns into an answer.
func (h *Handler) endpoint(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		err := h.answer(w, r, route)
		if err == nil {
			return
		}
		if answer := h.answerFor(r, err); answer != nil {
			writeError(w, answer)
		}
	})
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, route route) error {
	p, err := h.params(r)
	if err != nil {
		return err
	}
	if route.write != nil {
		return route.write(w, r, p)
	}
	var body []byte
	err = h.ask(r.Context(), func(ctx context.Context) (err error) {
		body, err = route.query(ctx, p)
		return err
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", contentTypeJSON)
	_, _ = w.Write(append(body, '\n')) // an error means that the client is gone
	return nil
}

// ask runs question within the limits on queries and on their time.
func (h *Handler) ask(ctx context.Context, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	select {
	case h.queries <- struct{}{}:
		defer func() { <-h.queries }()
		return question(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}
