package connection

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// load reads a section of testdata/config.yaml.
func load(t *testing.T, name string) (Config, error) {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	section, err := conf.Sub(name)
	require.NoError(t, err)
	config := NewDefaultConfig()
	require.NoError(t, section.Unmarshal(&config))
	return config, confmap.Validate(&config)
}

func addresses(t *testing.T, config Config) []string {
	t.Helper()
	urls, err := config.URLs()
	require.NoError(t, err)
	var list []string
	for _, u := range urls {
		list = append(list, u.String())
	}
	return list
}

func TestShapeOfTheConfig(t *testing.T) {
	config := NewDefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(&config))
}

func TestConfig(t *testing.T) {
	t.Setenv(environment, "")
	config, err := load(t, "one")
	require.NoError(t, err)
	require.Equal(t, []string{"https://elasticsearch.example:9200"}, addresses(t, config))
	require.Equal(t, time.Minute, config.HTTP.Timeout)
	require.Equal(t, 1, config.GzipLevel())
	require.Equal(t, 32, config.HTTP.Keepalive.Get().MaxIdleConnsPerHost)

	config, err = load(t, "all")
	require.NoError(t, err)
	require.Equal(t, []string{"https://a.example:9200", "http://b.example:9200/es"}, addresses(t, config))
	require.Equal(t, "writer", config.User)
	require.Equal(t, "secret", string(config.Password))
	require.Equal(t, "/etc/es/ca.crt", config.HTTP.TLS.CAFile)
	require.Equal(t, 5*time.Second, config.HTTP.Timeout)
	require.Zero(t, config.GzipLevel())

	config, err = load(t, "compressed_more")
	require.NoError(t, err)
	require.Equal(t, 6, config.GzipLevel())
}

func TestCloudID(t *testing.T) {
	for id, want := range map[string]string{
		"prod:ZXUuZXhhbXBsZSRlczEyJGtiMzQ=":         "https://es12.eu.example",
		"prod:ZXUuZXhhbXBsZTo5MjQzJGVzMTIka2IzNA==": "https://es12.eu.example:9243",
		"ZXUuZXhhbXBsZSRlczEy":                      "",
	} {
		config := NewDefaultConfig()
		config.CloudID = id
		if want == "" {
			require.ErrorContains(t, config.Validate(), "cloudid", id)
			continue
		}
		require.NoError(t, config.Validate())
		require.Equal(t, []string{want}, addresses(t, config))
	}
}

func TestTheEnvironmentNamesServersWhereTheConfigDoesNot(t *testing.T) {
	t.Setenv(environment, "https://a.example:9200, https://b.example:9200/")
	config, err := load(t, "none")
	require.NoError(t, err)
	require.Equal(t, []string{"https://a.example:9200", "https://b.example:9200"}, addresses(t, config))

	config, err = load(t, "one")
	require.NoError(t, err)
	require.Equal(t, []string{"https://elasticsearch.example:9200"}, addresses(t, config))
}

func TestErrorsNameTheKey(t *testing.T) {
	t.Setenv(environment, "")
	for name, want := range map[string]string{
		"none":            "endpoint: no server is named",
		"two_addresses":   "endpoint, endpoints: more than one is given",
		"no_scheme":       `endpoint: "elasticsearch:9200" has no scheme or no host`,
		"empty_address":   "endpoints: an address is empty",
		"query":           "has a query",
		"bad_cloudid":     "cloudid: ",
		"no_password":     "user, password: one of them is missing",
		"two_logins":      "user, api_key, auth: more than one is given",
		"snappy":          "compression: Elasticsearch does not read snappy",
		"negative":        "timeout: -1s is negative",
		"secret_in_a_url": "has a query",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, name)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func FuzzAddresses(f *testing.F) {
	f.Setenv(environment, "")
	f.Add("prod:ZXUuZXhhbXBsZSRlczEyJGtiMzQ=", "")
	f.Add("", "https://elastic:secret@a.example:9200/es")
	f.Fuzz(func(t *testing.T, cloudID, endpoint string) {
		config := NewDefaultConfig()
		config.CloudID, config.HTTP.Endpoint = cloudID, endpoint
		urls, err := config.URLs()
		if err == nil && (len(urls) != 1 || urls[0].Host == "") {
			t.Fatalf("%q, %q: %v", cloudID, endpoint, urls)
		}
	})
}
