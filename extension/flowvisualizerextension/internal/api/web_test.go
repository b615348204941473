package api

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func text(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func TestAssets(t *testing.T) {
	h := newHandler(t, nil)
	const page, script = "<!doctype html><title>UI</title>", "/assets/index-BX1f9Qyz.js"
	const revalidate, forever = "no-cache", "public, max-age=31536000, immutable"
	for path, want := range map[string]struct {
		status                   int
		body, contentType, cache string
	}{
		"/":                       {200, page, "text/html; charset=utf-8", revalidate},
		"/index.html":             {200, page, "text/html; charset=utf-8", revalidate},
		"/map":                    {200, page, "text/html; charset=utf-8", revalidate},
		"/deep/er/place":          {200, page, "text/html; charset=utf-8", revalidate},
		"/favicon.svg":            {200, string(ui["favicon.svg"].Data), "image/svg+xml", revalidate},
		script:                    {200, string(ui[script[1:]].Data), "text/javascript; charset=utf-8", forever},
		"/assets/missing-1234.js": {404, "", contentTypeJSON, ""},
		"/robots.txt":             {404, "", contentTypeJSON, ""},
	} {
		response := ask(t, h, path)
		assert.Equal(t, want.status, response.StatusCode, path)
		assert.Equal(t, want.contentType, response.Header.Get("Content-Type"), path)
		assert.Equal(t, want.cache, response.Header.Get("Cache-Control"), path)
		if want.status == 200 {
			assert.Equal(t, want.body, text(t, response), path)
		}
	}
}

func TestAssetsAreRevalidatedAndCompressed(t *testing.T) {
	h := newHandler(t, nil)
	const script = "/assets/index-BX1f9Qyz.js"
	plain := ask(t, h, script)
	assert.NotEmpty(t, plain.Header.Get("ETag"))
	assert.Equal(t, http.StatusNotModified, ask(t, h, script, "If-None-Match", plain.Header.Get("ETag")).StatusCode)
	assert.Equal(t, http.StatusOK, ask(t, h, script, "If-None-Match", `"other"`).StatusCode)

	for _, accept := range []string{"gzip", "br, gzip;q=0.8", "deflate , gzip"} {
		zipped := ask(t, h, script, "Accept-Encoding", accept, "Range", "bytes=0-3")
		require.Equal(t, "gzip", zipped.Header.Get("Content-Encoding"), accept)
		assert.Equal(t, http.StatusOK, zipped.StatusCode)
		assert.Equal(t, "Accept-Encoding", zipped.Header.Get("Vary"))
		assert.NotEqual(t, plain.Header.Get("ETag"), zipped.Header.Get("ETag"))
		reader, err := gzip.NewReader(zipped.Body)
		require.NoError(t, err)
		content, err := io.ReadAll(reader)
		require.NoError(t, err)
		assert.Equal(t, ui[script[1:]].Data, content)
	}
	for _, accept := range []string{"", "br", "gzip;q=0", "gzip; q=0.0"} {
		assert.Empty(t, ask(t, h, script, "Accept-Encoding", accept).Header.Get("Content-Encoding"), accept)
	}
	assert.Empty(t, ask(t, h, "/assets/index-C0ffee12.css", "Accept-Encoding", "gzip").Header.Get("Content-Encoding"),
		"a few bytes grow when compressed")
}

func TestWithoutUI(t *testing.T) {
	h := newHandler(t, nil, func(o *Options) { o.UI = nil })
	assert.Equal(t, "this build carries no web UI: the API is under /api/v1", refusal(t, ask(t, h, "/"), http.StatusNotFound).Message)
	assert.Equal(t, http.StatusOK, ask(t, h, basePath+"/fields").StatusCode)
}

func TestJSONIsCompressed(t *testing.T) {
	h := newHandler(t, nil)
	response := ask(t, h, basePath+"/fields", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", response.Header.Get("Content-Encoding"))
	reader, err := gzip.NewReader(response.Body)
	require.NoError(t, err)
	unpacked, err := io.ReadAll(reader)
	require.NoError(t, err)
	assert.Equal(t, text(t, ask(t, h, basePath+"/fields")), string(unpacked))
}

func TestEveryAnswerIsSecured(t *testing.T) {
	h := newHandler(t, nil)
	for _, path := range []string{"/", "/nothing.txt", basePath + "/status", basePath + "/flows?limit=x", "/api/v1/nothing"} {
		header := ask(t, h, path).Header
		assert.Equal(t, contentPolicy, header.Get("Content-Security-Policy"), path)
		assert.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "DENY", header.Get("X-Frame-Options"), path)
		assert.Equal(t, "no-referrer", header.Get("Referrer-Policy"), path)
		assert.Equal(t, "same-origin", header.Get("Cross-Origin-Resource-Policy"), path)
	}
	assert.Equal(t, "no-store", ask(t, h, basePath+"/status").Header.Get("Cache-Control"))
}

func TestHosts(t *testing.T) {
	hosts := NewHosts("Flows.Example.com", "[fd00::1]")
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8686": true, "LOCALHOST.": true,
		"127.0.0.1": true, "127.0.0.1:80": true, "127.9.9.9": true, "[::1]": true, "[::1]:8686": true, "[::ffff:127.0.0.1]:1": true,
		"flows.example.com:443": true, "[fd00::1]:8686": true,
		"": false, "example.com": false, "localhost.example.com": false, "10.0.0.1:8686": false, "0.0.0.0": false, "[::]:80": false,
		"127.0.0.1.example.com": false, "::::": false,
	} {
		assert.Equal(t, want, hosts.allow(host), host)
	}
	var all *Hosts
	assert.True(t, all.allow("anything"))

	h := newHandler(t, nil, func(o *Options) { o.Hosts = hosts })
	request := httptest.NewRequest(http.MethodGet, basePath+"/flows", http.NoBody)
	request.Host = "rebound.test"
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	got := refusal(t, recorder.Result(), http.StatusForbidden)
	assert.Equal(t, `this server does not answer to the host name "rebound.test": use localhost, or add the name to allowed_hosts of the flow_visualizer extension`, got.Message)
}
