//go:build linux

package elasticsearch

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

const (
	certificateFile = "http.crt"
	keyFile         = "http.key"
)

// writeConfig fills the folder of the server's configuration.
func (s *Server) writeConfig() error {
	for _, name := range []string{"config", "data", "logs", "tmp"} {
		if err := os.Mkdir(s.path(name), 0o755); err != nil {
			return err
		}
		if err := giveAway(s.path(name)); err != nil {
			return err
		}
	}
	for _, name := range []string{"jvm.options", "log4j2.properties"} {
		data, err := os.ReadFile(filepath.Join(s.home, "config", name))
		if err != nil {
			return err
		}
		if err := s.writeFile(name, data); err != nil {
			return err
		}
	}
	settings := map[string]any{
		"cluster.name":           "flowlogs-test",
		"node.name":              "test",
		"discovery.type":         "single-node",
		"network.host":           "127.0.0.1",
		"http.port":              s.port,
		"transport.port":         0, // nobody calls it
		"path.data":              s.path("data"),
		"path.logs":              s.path("logs"),
		"xpack.security.enabled": s.options.Security,
		"xpack.security.autoconfiguration.enabled":          false,
		"cluster.routing.allocation.disk.threshold_enabled": false,
	}
	if s.options.Address.IsValid() {
		settings["http.host"] = []string{"127.0.0.1", s.options.Address.String()}
	}
	if s.options.Security {
		settings["resource.reload.interval.high"] = reloadInterval.String()
		s.Admin = User{Name: "admin", Password: newPassword(), Roles: []string{"superuser"}}
		s.users[s.Admin.Name] = s.Admin
		if err := s.writeSecurity(); err != nil {
			return err
		}
	}
	if s.options.TLS {
		settings["xpack.security.http.ssl.enabled"] = true
		settings["xpack.security.http.ssl.certificate"] = certificateFile
		settings["xpack.security.http.ssl.key"] = keyFile
		var err error
		if s.CA, err = s.writeCertificate(); err != nil {
			return err
		}
	}
	maps.Copy(settings, s.options.Settings)
	text, err := json.MarshalIndent(settings, "", "  ") // YAML, too
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	return s.writeFile("elasticsearch.yml", text)
}

// writeFile gives a file of the configuration its content in one step, so that the
// server never reads half of it.
func (s *Server) writeFile(name string, data []byte) error {
	path := filepath.Join(s.path("config"), name)
	partial := path + ".partial"
	if err := os.WriteFile(partial, data, 0o644); err != nil {
		return err
	}
	if err := giveAway(partial); err != nil {
		return err
	}
	return os.Rename(partial, path)
}
