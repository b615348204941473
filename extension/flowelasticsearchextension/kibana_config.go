package flowelasticsearchextension

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
)

// KibanaConfig says into which Kibana dashboards are put. Without an endpoint it is none.
type KibanaConfig struct {
	// HTTP holds endpoint, the URL of Kibana with its base path if it has one, and tls, auth,
	// headers, timeout, proxy_url and what else HTTP clients of collectors have. Default:
	// timeout 60s for a request and its answer, 0 for no limit.
	HTTP confighttp.ClientConfig `mapstructure:",squash"`

	// User and Password are those of HTTP basic authentication, APIKey an API key of
	// Elasticsearch in the encoded form. Default, if auth is not given either: whichever is
	// given for Elasticsearch.
	User     string              `mapstructure:"user"`
	Password configopaque.String `mapstructure:"password"`
	APIKey   configopaque.String `mapstructure:"api_key"`

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
		if c.login() || c.Space != "" {
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
	basic := c.User != "" || c.Password != ""
	switch {
	case basic && (c.User == "" || c.Password == ""):
		errs = append(errs, errors.New("user, password: one of them is missing"))
	case basic && c.APIKey != "", (basic || c.APIKey != "") && c.HTTP.Auth.HasValue():
		errs = append(errs, errors.New("user, api_key, auth: more than one is given: leave one"))
	}
	return errors.Join(errs...)
}

// login reports whether there is one of its own.
func (c *KibanaConfig) login() bool {
	return c.User != "" || c.Password != "" || c.APIKey != "" || c.HTTP.Auth.HasValue()
}

// kibana is the configuration of Kibana with the login that it takes.
func (c *Config) kibana() KibanaConfig {
	k := c.Kibana
	if !k.login() {
		k.User, k.Password, k.APIKey, k.HTTP.Auth = c.Connection.User, c.Connection.Password, c.Connection.APIKey, c.Connection.HTTP.Auth
	}
	return k
}

// authorization is the header that logs in, "" where nothing or an extension does.
func (c *KibanaConfig) authorization() string {
	switch {
	case c.User != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.User+":"+string(c.Password)))
	case c.APIKey != "":
		return "ApiKey " + string(c.APIKey)
	default:
		return ""
	}
}
