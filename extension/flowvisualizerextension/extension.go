package flowvisualizerextension

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowvisualizerextension/internal/api"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// visualizer is the extension: it owns the listener and the server.
type visualizer struct {
	config *Config
	set    extension.Settings
	ui     fs.FS

	handler  *api.Handler
	server   *http.Server
	listener net.Listener
	serving  sync.WaitGroup
}

var _ extensioncapabilities.Dependent = (*visualizer)(nil)

func newVisualizer(config *Config, set extension.Settings, ui fs.FS) *visualizer {
	return &visualizer{config: config, set: set, ui: ui}
}

// Dependencies implements extensioncapabilities.Dependent: the store starts
// before and stops after the Visualizer, and so do the extensions that check
// who may look.
func (v *visualizer) Dependencies() []component.ID {
	ids := []component.ID{v.config.Store}
	if v.config.ServerConfig.Auth.HasValue() {
		ids = append(ids, v.config.ServerConfig.Auth.Get().Config.AuthenticatorID)
	}
	for _, middleware := range v.config.ServerConfig.Middlewares {
		ids = append(ids, middleware.ID)
	}
	return ids
}

// Start listens and serves. When it fails nothing is left open.
func (v *visualizer) Start(ctx context.Context, host component.Host) error {
	store, err := flowstore.SourceFromHost(host, v.config.Store)
	if err != nil {
		return fmt.Errorf("find the store of the Flow Visualizer: %w", err)
	}
	listener, err := v.config.ServerConfig.ToListener(ctx)
	if err != nil {
		return v.listenError(err)
	}
	loopback := isLoopback(listener.Addr())
	v.handler, err = api.New(v.options(store, loopback))
	if err == nil {
		v.server, err = v.config.ServerConfig.ToServer(ctx, host.GetExtensions(), v.set.TelemetrySettings, v.handler)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("set up the Flow Visualizer's server: %w", err), listener.Close())
	}
	v.listener = listener
	v.serving.Go(func() {
		if err := v.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(fmt.Errorf("serve the Flow Visualizer: %w", err)))
		}
	})
	v.set.Logger.Info("Flow Visualizer at " + v.url())
	v.warn(store, loopback)
	return nil
}

// warn tells who sees what they should not, or does not see what they should.
func (v *visualizer) warn(store flowstore.Source, loopback bool) {
	switch asCaller := flowstore.AsCaller(store); {
	case asCaller && !v.config.ServerConfig.IncludeMetadata:
		v.set.Logger.Warn("The store of the Flow Visualizer decides by the login of whoever looks what they see, and is not given it: set include_metadata.",
			zap.Stringer("store", v.config.Store))
	case !asCaller && !loopback && !v.config.ServerConfig.Auth.HasValue():
		v.set.Logger.Warn("The Flow Visualizer shows every flow to whoever reaches its address: set auth, or listen on 127.0.0.1.",
			zap.Stringer("address", v.listener.Addr()))
	}
}

func (v *visualizer) options(store flowstore.Source, loopback bool) api.Options {
	hostname, err := os.Hostname()
	if err != nil {
		v.set.Logger.Warn("The machine's name is not known.", zap.Error(err))
	}
	options := api.Options{
		Store:        store,
		UI:           v.ui,
		Product:      v.set.BuildInfo.Command,
		Version:      v.set.BuildInfo.Version,
		Host:         hostname,
		QueryTimeout: v.config.QueryTimeout,
		Logger:       v.set.Logger,
	}
	if loopback {
		options.Hosts = api.NewHosts(v.config.AllowedHosts...)
	}
	return options
}

// listenError says what to do about the usual reasons.
func (v *visualizer) listenError(err error) error {
	endpoint := v.config.ServerConfig.NetAddr.Endpoint
	cure := ""
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		_, port, _ := net.SplitHostPort(endpoint)
		cure = fmt.Sprintf(": another program holds the port (ss -ltnp 'sport = :%s' names it): stop it, or set another endpoint", port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		cure = ": this machine does not have the address: set endpoint to one of its own"
	case errors.Is(err, syscall.EACCES):
		cure = ": the port needs privileges: set endpoint to a port from 1024 on"
	}
	return fmt.Errorf("listen on %s for the Flow Visualizer%s: %w", endpoint, cure, err)
}

// isLoopback reports whether only this machine can reach the address.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback() // a Unix socket is on this machine
}

// url is where a browser finds the server.
func (v *visualizer) url() string {
	scheme := "http"
	if v.config.ServerConfig.TLS.HasValue() {
		scheme = "https"
	}
	tcp, ok := v.listener.Addr().(*net.TCPAddr)
	if !ok {
		return v.listener.Addr().String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(tcp.Port))
}

// Shutdown lets the live streams go, waits for the other requests until ctx is
// done, and then cuts them off.
func (v *visualizer) Shutdown(ctx context.Context) error {
	if v.server == nil {
		return nil
	}
	v.handler.Close()
	err := v.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("wait for the Flow Visualizer's requests: %w", err), v.server.Close())
	}
	v.serving.Wait()
	v.server = nil
	return err
}
