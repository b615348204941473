package kibanaclient

import (
	"context"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// Importer keeps the objects of one space as this collector has them. Rounds are made one at a
// time, on any goroutine; another collector may do the same.
type Importer struct {
	client *Client
	set    *kibana.Set
}

// Result is what a round did.
type Result struct {
	// Imported is how many objects were put, 0 if Kibana had them.
	Imported int
	// Newer is the version of the objects that a newer collector has put, 0 if none has. Then
	// nothing was changed.
	Newer int
}

// NewImporter returns one of the objects for a mapping and the client's space.
func NewImporter(client *Client, m schema.Mapping) (*Importer, error) {
	set, err := kibana.Build(kibana.Options{Mapping: m, Space: client.Space})
	if err != nil {
		return nil, err
	}
	return &Importer{client, set}, nil
}

// Round asks which version Kibana has, and imports only over none, an older or another one: so
// what people change stays until there is something new. It may be repeated after an error.
func (i *Importer) Round(ctx context.Context) (Result, error) {
	there, found, err := i.client.Stamp(ctx, i.set.Tag.ID)
	switch {
	case err != nil:
		return Result{}, err
	case found && there.Version > i.set.Stamp.Version:
		return Result{Newer: there.Version}, nil
	case found && there == i.set.Stamp:
		return Result{}, nil
	}
	if err := i.client.Import(ctx, i.set.Objects); err != nil {
		return Result{}, err
	}
	// The tag comes last: as long as it is not there, the rest is put again.
	if err := i.client.Import(ctx, []savedobject.Object{i.set.Tag}); err != nil {
		return Result{}, err
	}
	return Result{Imported: len(i.set.Objects) + 1}, nil
}
