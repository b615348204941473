package flowvisualizerextension

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
)

const (
	defaultEndpoint     = "127.0.0.1:8686"
	defaultStore        = "flow_store"
	defaultQueryTimeout = 30 * time.Second
	defaultWriteTimeout = time.Minute
)

// Config configures the Flow Visualizer.
type Config struct {
	// ServerConfig is where and how to listen: endpoint, tls, auth, cors and what
	// else every HTTP server of the collector has. The default endpoint is
	// 127.0.0.1:8686, which only this machine can reach; port 0 takes a free one.
	ServerConfig confighttp.ServerConfig `mapstructure:",squash"`

	// Store is the ID of the store extension that holds the records. The default
	// is flow_store.
	Store component.ID `mapstructure:"store"`

	// QueryTimeout bounds the time of one question to the store. The default is
	// 30s; it must be positive.
	QueryTimeout time.Duration `mapstructure:"query_timeout"`

	// AllowedHosts are host names that a server on a loopback address answers to
	// besides localhost, for a proxy on the same machine that passes its own name
	// on. The default is none. A server on any other address answers to all names.
	AllowedHosts []string `mapstructure:"allowed_hosts"`
}

// Validate reports what cannot work, naming the key.
func (c *Config) Validate() error {
	var errs []error
	if err := c.validateEndpoint(); err != nil {
		errs = append(errs, err)
	}
	if c.Store == (component.ID{}) {
		errs = append(errs, errors.New("store must name a store extension, such as flow_store"))
	}
	if c.QueryTimeout <= 0 {
		errs = append(errs, fmt.Errorf("query_timeout must be positive, got %s", c.QueryTimeout))
	}
	if w := c.ServerConfig.WriteTimeout; w > 0 && w <= c.QueryTimeout {
		errs = append(errs, fmt.Errorf("write_timeout (%s) must be longer than query_timeout (%s), or a slow answer could not be sent", w, c.QueryTimeout))
	}
	for _, host := range c.AllowedHosts {
		if host == "" {
			errs = append(errs, errors.New("allowed_hosts must not hold an empty name"))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateEndpoint() error {
	at := c.ServerConfig.NetAddr
	if at.Endpoint == "" {
		return fmt.Errorf("endpoint must not be empty: the default is %s", defaultEndpoint)
	}
	if !strings.HasPrefix(string(at.Transport), "tcp") {
		return nil // a path
	}
	if _, port, err := net.SplitHostPort(at.Endpoint); err != nil || port == "" {
		return fmt.Errorf("endpoint must be an address and a port, such as %s, got %q", defaultEndpoint, at.Endpoint)
	}
	return nil
}
