package connection

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/elastic/go-elasticsearch/v8/esapi"
	"go.opentelemetry.io/collector/component"
)

var _ esapi.Transport = (*Client)(nil)

// Client sends the requests of esapi. It tries each once: whether to try again is for who
// asks, who knows what may be sent twice. A server that could not be reached is passed
// over for a while, so that the next request goes to another. It is safe for concurrent
// use.
type Client struct {
	transport *elastictransport.Client
	timeout   time.Duration
}

// NewClient makes a client and sends nothing. The host's extensions are where auth looks
// for the one it names; who calls is told to the server by build.
func (c *Config) NewClient(ctx context.Context, host component.Host, settings component.TelemetrySettings, build component.BuildInfo) (*Client, error) {
	urls, err := c.URLs()
	if err != nil {
		return nil, err
	}
	plain := c.HTTP
	plain.Compression = "" // who writes a body knows better how: see GzipLevel
	httpClient, err := plain.ToClient(ctx, host.GetExtensions(), settings)
	if err != nil {
		return nil, err
	}
	options := []elastictransport.Option{
		elastictransport.WithURLs(urls...),
		elastictransport.WithTransport(httpClient.Transport),
		elastictransport.WithDisableRetry(),
		elastictransport.WithUserAgent(build.Command + "/" + build.Version),
	}
	switch {
	case c.User != "":
		options = append(options, elastictransport.WithBasicAuth(c.User, string(c.Password)))
	case c.APIKey != "":
		options = append(options, elastictransport.WithAPIKey(string(c.APIKey)))
	}
	transport, err := elastictransport.NewClient(options...)
	if err != nil {
		return nil, err
	}
	return &Client{transport: transport, timeout: c.HTTP.Timeout}, nil
}

// Perform implements esapi.Transport. The timeout includes reading the answer; the body is
// to be closed.
func (c *Client) Perform(request *http.Request) (*http.Response, error) {
	if c.timeout == 0 {
		return c.transport.Perform(request)
	}
	ctx, cancel := context.WithTimeout(request.Context(), c.timeout)
	response, err := c.transport.Perform(request.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &timedBody{response.Body, cancel}
	return response, nil
}

// Close ends what the client does in the background; idle connections end by their own
// timeout. Call it once, when no request is under way.
func (c *Client) Close(ctx context.Context) error { return c.transport.Close(ctx) }

// timedBody ends the timeout of a request when its answer has been read.
type timedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *timedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
