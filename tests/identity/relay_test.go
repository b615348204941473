package identity

import (
	"encoding/json"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// relay stands between a client and the API server. While it is cut the client sees
// connections refused, and everybody else goes on.
type relay struct {
	t          *testing.T
	kubeconfig string // of the administrator, by way of the relay
	server     string
	address    string
	listener   net.Listener
	wg         sync.WaitGroup

	mu          sync.Mutex
	connections []net.Conn
}

// newRelay makes a relay that ends with the test.
func (s *site) newRelay() *relay {
	s.t.Helper()
	text, err := os.ReadFile(s.Kubeconfig())
	require.NoError(s.t, err)
	var config object
	require.NoError(s.t, json.Unmarshal(text, &config))
	cluster := config["clusters"].([]any)[0].(object)["cluster"].(object)
	server, err := url.Parse(cluster["server"].(string))
	require.NoError(s.t, err)

	// Nobody is given a port of this address while the relay is cut.
	r := &relay{t: s.t, server: server.Host, address: "127.0.0.2:0", kubeconfig: filepath.Join(s.t.TempDir(), "kubeconfig")}
	r.mend()
	s.t.Cleanup(r.cut)
	cluster["server"], cluster["tls-server-name"] = "https://"+r.address, server.Hostname()
	text, err = json.Marshal(config)
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(r.kubeconfig, text, 0o600))
	return r
}

func (r *relay) mend() {
	r.t.Helper()
	var err error
	r.listener, err = net.Listen("tcp", r.address)
	require.NoError(r.t, err)
	r.address = r.listener.Addr().String()
	r.wg.Go(func() {
		for {
			from, err := r.listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", r.server)
			if err != nil {
				from.Close()
				continue
			}
			r.mu.Lock()
			r.connections = append(r.connections, from, to)
			r.mu.Unlock()
			r.carry(from, to)
			r.carry(to, from)
		}
	})
}

func (r *relay) carry(from, to net.Conn) {
	r.wg.Go(func() {
		_, _ = io.Copy(to, from)
		to.Close()
	})
}

func (r *relay) cut() {
	r.listener.Close()
	r.mu.Lock()
	for _, c := range r.connections {
		c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
}
