package flowelasticsearchextension

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/connection"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/reader"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// ReaderConfig says as whom records are read for the Flow Visualizer. Default: as the
// extension itself, which then needs the privilege to read.
type ReaderConfig struct {
	connection.Login `mapstructure:",squash"`

	// Auth names the extension that logs in. headers_setter is taken to pass on the login of
	// who asks, so that Elasticsearch decides what they see.
	Auth configoptional.Optional[configauth.Config] `mapstructure:"auth"`
}

// readerConnection is how the server is reached to read.
func (c *Config) readerConnection() connection.Config {
	to := c.Connection
	if r := &c.Reader; r.Given(r.Auth) {
		to.Login, to.HTTP.Auth = r.Login, r.Auth
	}
	return to
}

// passesOn is the type of the extension that passes on the login of who asks. Others have
// logins of their own.
var passesOn = component.MustNewType("headers_setter")

func (r *ReaderConfig) asCaller() bool {
	return r.Auth.HasValue() && r.Auth.Get().AuthenticatorID.Type() == passesOn
}

// Validate implements confmap.Validator.
func (r *ReaderConfig) Validate() error { return r.Login.Check(r.Auth) }

// source is what the Flow Visualizer asks. It is closed until open.
type source struct {
	*reader.Reader
	config *Config
	client *connection.Client
}

var _ flowstore.SourceProvider = (*flowElasticsearch)(nil)

// FlowSource implements flowstore.SourceProvider.
func (e *flowElasticsearch) FlowSource() flowstore.Source { return e.source.Reader }

func newSource(set extension.Settings, config *Config) (source, error) {
	location := ""
	if urls, err := config.Connection.URLs(); err == nil { // else Validate says so
		location = urls[0].Redacted()
	}
	r, err := reader.New(reader.Options{
		Mapping: config.Mapping.Mode, Namespace: config.Namespace, Location: location, AsCaller: config.Reader.asCaller(), Logger: set.Logger,
	})
	return source{Reader: r, config: config}, err
}

func (s *source) open(ctx context.Context, host component.Host, set extension.Settings) error {
	to := s.config.readerConnection()
	client, err := to.NewClient(ctx, host, set.TelemetrySettings, set.BuildInfo)
	if err != nil {
		return fmt.Errorf("reader: %w", err)
	}
	s.client = client
	s.Open(client)
	return nil
}

// close ends live views and waits for them.
func (s *source) close(ctx context.Context) error {
	if s.client == nil {
		return nil
	}
	err := errors.Join(s.Close(), s.client.Close(ctx))
	s.client = nil
	return err
}
