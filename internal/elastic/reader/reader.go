package reader

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// Options say what is read.
type Options struct {
	// Mapping is that of the documents.
	Mapping schema.Mapping
	// Namespace is that of the data streams; "" is all of them.
	Namespace string
	// AsCaller says that the transport logs in as who asks, who is then told if that
	// fails.
	AsCaller bool
	// Location names the server to people.
	Location string
	// Poll is how often a watch asks for what is new; 0 is every second.
	Poll time.Duration
	// Logger is told of documents that cannot be read; nil is nobody.
	Logger *zap.Logger
}

// Reader is a flowstore.Source. It is closed until Open, and may be opened again.
type Reader struct {
	options Options
	// flows and observers are what is searched, as it is in a URL.
	flows, observers string
	fields           map[string]schema.Field // of flows, by the names of attributes

	flowDecoder  *document.Decoder[flow.Flow]
	lossDecoder  *document.Decoder[flow.Loss]
	agentDecoder *document.Decoder[flow.Agent]

	mu        sync.Mutex
	transport esapi.Transport // nil while closed
	closing   context.Context // done when Close begins
	end       context.CancelFunc
	watchers  sync.WaitGroup
}

var _ flowstore.CallerSource = (*Reader)(nil)

// New returns a closed Reader, or an error that says which of the options is wrong.
func New(o Options) (*Reader, error) {
	namespace := o.Namespace
	if namespace == "" {
		namespace = "*"
	} else if err := schema.CheckNamespace(namespace); err != nil {
		return nil, err
	}
	if err := o.Mapping.Check(); err != nil {
		return nil, err
	}
	if o.Poll == 0 {
		o.Poll = defaultPoll
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	r := &Reader{
		options:      o,
		flows:        target(o.Mapping, namespace, schema.Allowed, schema.Denied),
		observers:    target(o.Mapping, namespace, schema.Observer),
		fields:       make(map[string]schema.Field),
		flowDecoder:  document.NewDecoder(o.Mapping, flow.EventFlow, flow.Flows),
		lossDecoder:  document.NewDecoder(o.Mapping, flow.EventLoss, flow.Losses),
		agentDecoder: document.NewDecoder(o.Mapping, flow.EventAgent, flow.Agents),
	}
	for _, f := range o.Mapping.Fields(flow.EventFlow) {
		if f.Attribute != nil {
			r.fields[f.Attribute.Name] = f
		}
	}
	return r, nil
}

func target(m schema.Mapping, namespace string, classes ...schema.Class) string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = url.PathEscape(m.Stream(c, namespace))
	}
	return strings.Join(names, ",")
}

// Open begins to ask by transport, which stays the caller's.
func (r *Reader) Open(transport esapi.Transport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.transport = transport
	r.closing, r.end = context.WithCancel(context.Background())
}

// Close ends the watches and waits for them; questions that are under way go on. From then
// on there is ErrClosed. It may be called again.
func (r *Reader) Close() error {
	r.mu.Lock()
	if r.transport != nil {
		r.transport = nil
		r.end()
	}
	r.mu.Unlock()
	r.watchers.Wait()
	return nil
}

// AsCaller implements flowstore.CallerSource.
func (r *Reader) AsCaller() bool { return r.options.AsCaller }

func (r *Reader) path(attribute string) string { return r.fields[attribute].Path }

// maxAnswer bounds an answer, in bytes. Pages are of maxHits documents of some kilobytes.
const maxAnswer = 64 << 20

// ask makes one request as who asks, has read take the answer, and turns what is wrong with
// it into the errors that callers of a flowstore tell apart.
func (r *Reader) ask(ctx context.Context, req request.Request, read func(io.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	transport := r.transport
	r.mu.Unlock()
	if transport == nil {
		return flowstore.ErrClosed
	}
	req.MaxAnswer = maxAnswer
	err := request.Read(ctx, transport, req, read)
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	var refused *request.StatusError
	if !errors.As(err, &refused) {
		return &answerError{flowstore.ErrUnavailable, err}
	}
	switch {
	case refused.Status == http.StatusUnauthorized && r.options.AsCaller:
		return &answerError{flowstore.ErrUnauthenticated, err}
	case refused.Status == http.StatusForbidden:
		return &answerError{flowstore.ErrForbidden, err}
	case refused.Status == http.StatusBadRequest:
		return &answerError{flowstore.ErrQuery, err}
	default:
		return &answerError{flowstore.ErrUnavailable, err}
	}
}

// answerError is an error of a kind, which is said first.
type answerError struct{ kind, err error }

func (e *answerError) Error() string   { return e.kind.Error() + ": " + e.err.Error() }
func (e *answerError) Unwrap() []error { return []error{e.kind, e.err} }
