package connection

import (
	"compress/gzip"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
)

// Config says how to reach an Elasticsearch. Where no address is given it is that of the
// environment variable ELASTICSEARCH_URL, or several with commas between.
type Config struct {
	// HTTP holds endpoint, the URL of one server, and tls, auth, headers, timeout,
	// compression, proxy_url and what else HTTP clients of collectors have. Default: timeout
	// 60s for a request and its answer, 0 for no limit; compression gzip of level 1, or none.
	HTTP confighttp.ClientConfig `mapstructure:",squash"`

	// Endpoints are the URLs of servers of one cluster. Requests go to them in turn; one
	// that cannot be reached is left out for a while.
	Endpoints []string `mapstructure:"endpoints"`

	// CloudID is the cloud ID of an Elastic Cloud deployment, instead of URLs.
	CloudID string `mapstructure:"cloudid"`

	Login `mapstructure:",squash"`
}

const (
	defaultTimeout = time.Minute
	// maxIdlePerHost is more than Go's 2, so that requests side by side keep their connections.
	maxIdlePerHost = 32
)

// NewDefaultConfig returns a Config with the defaults.
func NewDefaultConfig() Config {
	keepalive := confighttp.NewDefaultKeepaliveClientConfig()
	keepalive.MaxIdleConnsPerHost = maxIdlePerHost
	http := confighttp.NewDefaultClientConfig()
	http.Keepalive = configoptional.Some(keepalive)
	http.Timeout = defaultTimeout
	http.Compression = configcompression.TypeGzip
	http.CompressionParams.Level = gzip.BestSpeed
	return Config{HTTP: http}
}

// Validate implements xconfmap.Validator. It reads the environment.
func (c *Config) Validate() error {
	_, err := c.URLs()
	errs := []error{err}
	if c.HTTP.Compression.IsCompressed() && c.HTTP.Compression != configcompression.TypeGzip {
		errs = append(errs, fmt.Errorf("compression: Elasticsearch does not read %s: use gzip or none", c.HTTP.Compression))
	}
	if c.HTTP.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout: %s is negative: use 0 for no limit", c.HTTP.Timeout))
	}
	errs = append(errs, c.Login.Check(c.HTTP.Auth))
	return errors.Join(errs...)
}

// GzipLevel is the level at which bodies of requests are to be compressed, 0 for not at all.
func (c *Config) GzipLevel() int {
	switch {
	case !c.HTTP.Compression.IsCompressed():
		return gzip.NoCompression
	case c.HTTP.CompressionParams.Level == gzip.NoCompression:
		return gzip.BestSpeed
	default:
		return int(c.HTTP.CompressionParams.Level)
	}
}
