package flowstore

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
)

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

type provider struct {
	component.Component
	store Store
}

func (p *provider) FlowSource() Source { return p.store }
func (p *provider) FlowWriter() Writer { return p.store }

func TestExtensionsAreFoundByWhatTheyOffer(t *testing.T) {
	id, other := component.MustNewID("flow_store"), component.MustNewID("other")
	store := struct{ Store }{}
	h := host{id: &provider{store: store}, other: struct{ component.Component }{}}
	source, err := SourceFromHost(h, id)
	require.NoError(t, err)
	assert.Equal(t, Source(store), source)
	writer, err := WriterFromHost(h, id)
	require.NoError(t, err)
	assert.Equal(t, Writer(store), writer)
	_, err = SourceFromHost(h, component.MustNewID("missing"))
	assert.EqualError(t, err, `there is no extension "missing": add it under extensions and to service.extensions`)
	_, err = SourceFromHost(h, other)
	assert.EqualError(t, err, `extension "other" cannot be asked for flow records`)
	_, err = WriterFromHost(h, other)
	assert.EqualError(t, err, `extension "other" takes no flow records in: name a flow_store extension, or use the exporter that belongs to the backend`)
}
