package flowelasticsearchextension

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/connection"
)

// KibanaConfig says into which Kibana dashboards are put. Without an endpoint it is none.
type KibanaConfig struct {
	// HTTP holds endpoint, the URL of Kibana with its base path if it has one, and tls, auth,
	// headers, timeout, proxy_url and what else HTTP clients of collectors have. Default:
	// timeout 60s for a request and its answer, 0 for no limit.
	HTTP confighttp.ClientConfig `mapstructure:",squash"`

	// Login is who asks. Default, if auth is not given either: whoever asks Elasticsearch.
	connection.Login `mapstructure:",squash"`

	// Space is the id of a space, which has to exist. Default: "", the default space.
	Space string `mapstructure:"space"`
}

const defaultKibanaTimeout = time.Minute

func newDefaultKibanaConfig() KibanaConfig {
	http := confighttp.NewDefaultClientConfig()
	http.Timeout = defaultKibanaTimeout
	return KibanaConfig{HTTP: http}
}

var spaceForm = regexp.MustCompile(`^[a-z0-9_-]+$`)

// Validate implements xconfmap.Validator.
func (c *KibanaConfig) Validate() error {
	if c.HTTP.Endpoint == "" {
		if c.Given(c.HTTP.Auth) || c.Space != "" {
			return errors.New("endpoint is missing: give the URL of Kibana, or leave the rest out too")
		}
		return nil
	}
	var errs []error
	if u, err := url.Parse(c.HTTP.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		errs = append(errs, fmt.Errorf("endpoint %q is no URL of a server: write it as in https://kibana:5601", c.HTTP.Endpoint))
	}
	if c.HTTP.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout: %s is negative: use 0 for no limit", c.HTTP.Timeout))
	}
	if c.Space != "" && !spaceForm.MatchString(c.Space) {
		errs = append(errs, fmt.Errorf("space %q is no id of a space: use lower-case letters, digits, _ and -", c.Space))
	}
	errs = append(errs, c.Login.Check(c.HTTP.Auth))
	return errors.Join(errs...)
}

// kibana is the configuration of Kibana with the login that it takes.
func (c *Config) kibana() KibanaConfig {
	k := c.Kibana
	if !k.Given(k.HTTP.Auth) {
		k.Login, k.HTTP.Auth = c.Connection.Login, c.Connection.HTTP.Auth
	}
	return k
}
