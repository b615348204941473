//go:build linux

package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// defaultHeap is enough for some 100,000 small documents.
const defaultHeap = 512

// Options of a server. The zero value is one that speaks plain HTTP to anybody.
type Options struct {
	// Security asks for a user and a password; see Admin, SetUser and SetRoles.
	Security bool
	// TLS serves HTTPS by a certificate that CA vouches for; it needs Security.
	TLS bool
	// Address is one more that it serves at, for those who do not reach the loopback
	// interface; the port is that of the URL.
	Address netip.Addr
	// Heap of the Java process in MiB; 0 is 512.
	Heap int
	// Optimized lets the second compiler of Java work, as in production. It is for
	// benchmarks: a start takes half as long again.
	Optimized bool
	// Settings are added to elasticsearch.yml, and win over what is there. Watermarks
	// of the disk, for example, are off unless they turn them on, since how full the
	// machine is says nothing about a test.
	Settings map[string]any
}

// Server is an Elasticsearch of one node. One goroutine at a time may start, stop
// and configure it; clients may be used by any.
type Server struct {
	// URL has the scheme, the address and the port, and no slash at its end. It
	// stays the same when the server is restarted.
	URL string
	// CA vouches for the server's certificate, as PEM; nil without TLS.
	CA []byte
	// Admin may do anything; the zero User without Security.
	Admin User

	options Options
	home    string // of the distribution
	java    string
	dir     string
	release func() // of dir, for others to remove
	port    uint16
	users   map[string]User
	roles   map[string]any
	probes  int // how often users and roles were changed
	process *process
}

// Start starts a server that ends with the test, and returns when it can be used:
// after some 15 seconds of processor time. It first downloads Elasticsearch if need
// be. Of a failed test it shows the end of the log. Without Java or Maven the test
// is skipped, except in CI, where it fails.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	needPrograms(tb)
	s, err := start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.explain(tb)
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Shared is a server for all tests of a package, which the first that needs it
// starts. TestMain calls Main.
type Shared struct {
	Options Options

	once   sync.Once
	server *Server
	err    error
}

// Get returns the server; see Start.
func (s *Shared) Get(tb testing.TB) *Server {
	tb.Helper()
	needPrograms(tb)
	s.once.Do(func() { s.server, s.err = start(context.Background(), s.Options) }) // it outlives the test
	if s.err != nil {
		tb.Fatal(s.err)
	}
	tb.Cleanup(func() { s.server.explain(tb) })
	return s.server
}

// Main is what TestMain does: it runs the tests and ends the server if one was started. The
// test binary exits with what the tests gave when TestMain returns.
func (s *Shared) Main(m *testing.M) {
	m.Run()
	if s.server != nil {
		if err := s.server.Close(); err != nil {
			panic(err)
		}
	}
}

func needPrograms(tb testing.TB) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		return // what is missing fails the test
	}
	for _, name := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(name); err != nil {
			tb.Skipf("Elasticsearch needs %s: %v; tools/install-needs elasticsearch installs it", name, err)
		}
	}
}

func start(ctx context.Context, o Options) (*Server, error) {
	if o.TLS && !o.Security {
		return nil, errors.New("start Elasticsearch: TLS needs Security")
	}
	s := &Server{options: o, users: map[string]User{}, roles: map[string]any{}}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start Elasticsearch: %w", err), s.Close())
	}
	if err := s.run(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) prepare(ctx context.Context) error {
	var err error
	if s.java, err = javaHome(ctx); err != nil {
		return err
	}
	if s.home, err = install(ctx); err != nil {
		return err
	}
	if s.dir, s.release, err = claim(ctx); err != nil {
		return err
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	scheme := "http"
	if s.options.TLS {
		scheme = "https"
	}
	s.URL = fmt.Sprintf("%s://127.0.0.1:%d", scheme, s.port)
	return s.writeConfig()
}

// Stop ends the server in order; Restart has its data again.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	if err := s.process.stop(); err != nil {
		tb.Fatal(err)
	}
}

// Kill ends the server at once, as a crash does; Restart has its data again.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	if err := s.process.kill(); err != nil {
		tb.Fatal(err)
	}
}

// Restart ends the server in order if it runs, and starts it with the same data on
// the same port.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.Stop(tb)
	if err := s.run(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// ProcessorTime is what the server has used since it was started, in steps of 10 ms.
func (s *Server) ProcessorTime(tb testing.TB) time.Duration {
	tb.Helper()
	used, err := s.process.used()
	if err != nil {
		tb.Fatal(err)
	}
	return used
}

// Close ends the server and removes its data. It may be called again.
func (s *Server) Close() error {
	if s.process != nil {
		if err := s.process.kill(); err != nil {
			return fmt.Errorf("stop Elasticsearch, whose data is left in %s: %w", s.dir, err)
		}
	}
	if s.dir == "" {
		return nil
	}
	err := os.RemoveAll(s.dir)
	if s.release != nil {
		s.release()
	}
	s.dir = ""
	return err
}

// explain shows the log of a failed test's server.
func (s *Server) explain(tb testing.TB) {
	if tb.Failed() && s.process != nil {
		tb.Log(s.process.Tail())
	}
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }
