package connection

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(t *testing.T, config Config, host component.Host) *Client {
	t.Helper()
	client, err := config.NewClient(t.Context(), host, componenttest.NewNopTelemetrySettings(),
		component.BuildInfo{Command: "flows", Version: "1.2.3"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close(context.Background())) })
	return client
}

// ask sends a small request and returns the answer's status and text.
func ask(ctx context.Context, client *Client) (int, string, error) {
	response, err := esapi.ClusterHealthRequest{}.Do(ctx, client)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// authentication is an extension that adds a header.
type authentication struct {
	component.StartFunc
	component.ShutdownFunc
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (authentication) RoundTripper(base http.RoundTripper) (http.RoundTripper, error) {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		r.Header.Set("Authorization", "Bearer token")
		return base.RoundTrip(r)
	}), nil
}

type extensions map[component.ID]component.Component

func (e extensions) GetExtensions() map[component.ID]component.Component { return e }

func TestWhoAsksIsToldToTheServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("User-Agent")+" "+r.Header.Get("Authorization")+" "+r.Header.Get("X-Tenant"))
	}))
	defer server.Close()
	id := component.MustNewID("bearer")
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"nobody":    {func(*Config) {}, ""},
		"a user":    {func(c *Config) { c.User, c.Password = "writer", "secret" }, "Basic d3JpdGVyOnNlY3JldA=="},
		"a key":     {func(c *Config) { c.APIKey = "a2V5" }, "APIKey a2V5"},
		"the URL":   {func(c *Config) { c.HTTP.Endpoint = strings.Replace(server.URL, "//", "//a:b@", 1) }, "Basic YTpi"},
		"extension": {func(c *Config) { c.HTTP.Auth = configoptional.Some(configauth.Config{AuthenticatorID: id}) }, "Bearer token"},
	} {
		t.Run(name, func(t *testing.T) {
			config := NewDefaultConfig()
			config.HTTP.Endpoint = server.URL
			config.HTTP.Headers.Set("X-Tenant", "a")
			test.change(&config)
			require.NoError(t, config.Validate())
			client := newClient(t, config, extensions{id: authentication{}})
			_, text, err := ask(t.Context(), client)
			require.NoError(t, err)
			require.Equal(t, "flows/1.2.3 "+test.want+" a", text)
		})
	}
}

func TestAnExtensionThatIsMissingIsAnError(t *testing.T) {
	config := NewDefaultConfig()
	config.HTTP.Endpoint = "http://localhost:9200"
	config.HTTP.Auth = configoptional.Some(configauth.Config{AuthenticatorID: component.MustNewID("bearer")})
	_, err := config.NewClient(t.Context(), componenttest.NewNopHost(), componenttest.NewNopTelemetrySettings(), component.NewDefaultBuildInfo())
	require.ErrorContains(t, err, `"bearer"`)
}

func TestMutualTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.Organization[0])
	}))
	server.StartTLS()
	certificate := server.TLS.Certificates[0]
	server.Close()

	// The server's own certificate is also the client's and its authority.
	server = httptest.NewUnstartedServer(server.Config.Handler)
	pool := x509.NewCertPool()
	pool.AddCert(must(x509.ParseCertificate(certificate.Certificate[0])))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, ClientCAs: pool, Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	defer server.Close()

	config := NewDefaultConfig()
	config.HTTP.Endpoint = server.URL
	crt := pemOf("CERTIFICATE", certificate.Certificate[0])
	config.HTTP.TLS.CAPem = crt
	config.HTTP.TLS.CertPem = crt
	config.HTTP.TLS.KeyPem = pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)))
	_, text, err := ask(t.Context(), newClient(t, config, componenttest.NewNopHost()))
	require.NoError(t, err)
	require.Equal(t, "Acme Co", text)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pemOf(kind string, der []byte) configopaque.String {
	return configopaque.String(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestAServerThatIsAwayIsPassedOver(t *testing.T) {
	here := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer here.Close()
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()

	config := NewDefaultConfig()
	config.Endpoints = []string{away.URL, here.URL}
	client := newClient(t, config, componenttest.NewNopHost())
	failed := 0
	for range 20 {
		if _, _, err := ask(t.Context(), client); err != nil {
			failed++
		}
	}
	require.Equal(t, 1, failed, "each request is tried once, and only the first goes to the one that is away")
}

func TestAnAnswerThatTakesTooLongIsAnError(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-release
	}))
	defer server.Close()
	defer close(release)
	config := NewDefaultConfig()
	config.HTTP.Endpoint = server.URL
	config.HTTP.Timeout = 50 * time.Millisecond
	_, _, err := ask(t.Context(), newClient(t, config, componenttest.NewNopHost()))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
