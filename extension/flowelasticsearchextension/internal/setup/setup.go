// Package setup brings the templates of an Elasticsearch to the version that this
// collector writes for, and data streams that older templates made to the new ones.
package setup

import (
	"context"
	"errors"
	"fmt"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/streams"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// server makes the requests of a round.
type server struct{ transport esapi.Transport }

// What a request needs, to name it where it is missing. The role flowlogs_setup of
// deploy/elasticsearch/roles.yml has all of it.
const (
	manageTemplates = "the cluster privilege manage_index_templates"
	monitor         = "the cluster privilege monitor"
)

// Setup of one Elasticsearch. Rounds are made one at a time, on any goroutine; what
// others change on the server between or during them does no harm.
type Setup struct {
	server    server
	options   schema.Options
	templates []template
	digest    string // of all templates
}

// Result is what one round did.
type Result struct {
	// Put are the templates that were put, by name.
	Put []string
	// RolledOver are the data streams that began a new index.
	RolledOver []string
	// Newer is the version of the templates that a newer collector has put, 0 if none
	// has. Then nothing was changed.
	Newer int
}

// New returns a Setup that puts what the options ask for.
func New(transport esapi.Transport, options schema.Options) (*Setup, error) {
	templates, digest, err := marked(&options)
	if err != nil {
		return nil, err
	}
	return &Setup{server: server{transport}, options: options, templates: templates, digest: digest}, nil
}

// Round looks at the server and changes only what differs. It may be repeated after
// an error; the result is what was done until then. Errors of requests that lack a
// privilege name it.
func (s *Setup) Round(ctx context.Context) (Result, error) {
	var result Result
	var missing []template
	for _, t := range s.templates {
		state, version, err := s.server.compare(ctx, t)
		if err != nil {
			return result, err
		}
		if state == newer {
			result.Newer = max(result.Newer, version)
		}
		if state == different {
			missing = append(missing, t)
		}
	}
	if result.Newer > 0 {
		return result, nil // half of each would fit neither
	}
	for _, t := range missing {
		if err := s.server.put(ctx, t); err != nil {
			return result, err
		}
		result.Put = append(result.Put, t.Name)
	}
	return result, s.rollOver(ctx, &result)
}

// rollOver has data streams whose index older templates made start a new one.
func (s *Setup) rollOver(ctx context.Context, result *Result) error {
	var old []streams.Stream
	namespace := s.options.Namespace
	if namespace == "" {
		namespace = "*"
	}
	for _, c := range schema.Classes() {
		found, err := streams.Find(ctx, s.server.transport, s.options.Mapping.Stream(c, namespace))
		if err != nil {
			return err
		}
		for _, st := range found {
			digest, err := s.server.digest(ctx, st.Written())
			if err != nil {
				return err
			}
			if digest != s.digest {
				old = append(old, st)
			}
		}
	}
	if len(old) == 0 {
		return nil
	}
	// An index that no node has room for takes no document: each waits until it fails.
	// The old index goes on as long as the disk does.
	full, err := s.server.nodesOverHighWatermark(ctx)
	if err != nil {
		return err
	}
	if full > 0 {
		return fmt.Errorf("%w: %d data streams keep their old mapping until there is room, first %s", ErrDiskFull, len(old), old[0].Name)
	}
	for _, st := range old {
		done, err := streams.RollOver(ctx, s.server.transport, st.Name)
		if err != nil {
			return err
		}
		if done {
			result.RolledOver = append(result.RolledOver, st.Name)
		}
	}
	return nil
}

// ErrDiskFull says that a data stream must not roll over now.
var ErrDiskFull = errors.New("the disk of a node is above the high watermark")
