package api

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// contentPolicy lets the UI load what this server serves and nothing else.
// Inline styles are what a graph is positioned with; inline scripts stay out.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secured adds the headers that keep a browser from doing more with an answer
// than showing it, and refuses requests under a foreign host name.
func secured(next http.Handler, hosts *Hosts) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !hosts.allow(r.Host) {
			writeError(w, &requestError{
				status: http.StatusForbidden, code: codeBadRequest,
				message: fmt.Sprintf("this server does not answer to the host name %q: use localhost, or add the name to allowed_hosts of the flow_visualizer extension", r.Host),
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Hosts are the names that a server on a loopback address answers to. Any page
// that a person on this machine opens can point a name of its own at 127.0.0.1
// and so read what the server has as if it were the same origin (DNS
// rebinding); it cannot fake the Host header that the browser then sends.
type Hosts struct{ names map[string]bool }

// NewHosts allows localhost and every loopback address, and names as well.
func NewHosts(names ...string) *Hosts {
	h := &Hosts{names: map[string]bool{"localhost": true}}
	for _, name := range names {
		h.names[canonicalHost(name)] = true
	}
	return h
}

// allow reports whether a request with this Host header may be answered. The
// port does not matter: it changes with every tunnel.
func (h *Hosts) allow(hostport string) bool {
	if h == nil {
		return true
	}
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = canonicalHost(host)
	if addr, err := netip.ParseAddr(host); err == nil && addr.Unmap().IsLoopback() {
		return true
	}
	return h.names[host]
}

func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
