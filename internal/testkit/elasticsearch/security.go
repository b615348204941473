//go:build linux

package elasticsearch

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
)

const (
	// reloadInterval is how often the server looks at its users and roles.
	reloadInterval = 200 * time.Millisecond
	// missedAfter is when files are written again, with another probe: a server that has just
	// started may have read one before it began to look for changes, and then never sees the
	// first; and a role that is asked for while roles are read may be remembered as missing.
	missedAfter = 10 * reloadInterval
	// probeName begins the user and the role that tell which state is in effect.
	probeName = "probe-"
)

// User of the server's file realm.
type User struct {
	Name, Password string
	Roles          []string
}

// SetRoles adds roles, written as in roles.yml, to those that the server has; one
// of the same name is replaced. It returns once they are in effect.
func (s *Server) SetRoles(tb testing.TB, text string) {
	tb.Helper()
	roles := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &roles); err != nil {
		tb.Fatalf("read roles: %v", err)
	}
	maps.Copy(s.roles, roles)
	s.applySecurity(tb)
}

// SetUser adds a user, or gives one other roles and another password. It returns
// once that is in effect.
func (s *Server) SetUser(tb testing.TB, name string, roles ...string) User {
	tb.Helper()
	u := User{Name: name, Password: newPassword(), Roles: roles}
	s.users[name] = u
	s.applySecurity(tb)
	return u
}

// RemoveUser returns once the server refuses the user.
func (s *Server) RemoveUser(tb testing.TB, name string) {
	tb.Helper()
	delete(s.users, name)
	s.applySecurity(tb)
}

func newPassword() string { return rand.Text() }

// applySecurity writes users and roles and waits until the server knows them: until
// a user that is new, with a role that is new, may do what that role allows. Each
// of the three files has to be read for that.
func (s *Server) applySecurity(tb testing.TB) {
	tb.Helper()
	if !s.options.Security {
		tb.Fatal("users and roles need Options.Security")
	}
	var written time.Time
	var probe *Client
	write := func() error {
		s.probes++
		probe, written = s.As(s.probe()), time.Now()
		return s.writeSecurity()
	}
	if err := write(); err != nil {
		tb.Fatalf("write users and roles: %v", err)
	}
	err := daemon.Until(tb.Context(), patience, func(ctx context.Context) error {
		err := probe.Do(ctx, http.MethodGet, "/_cluster/health", nil, nil)
		if err != nil && time.Since(written) > missedAfter {
			err = errors.Join(err, write())
		}
		return err
	})
	if err != nil {
		tb.Fatalf("wait for users and roles: %v", err)
	}
}

func (s *Server) probe() User {
	name := fmt.Sprintf("%s%d", probeName, s.probes)
	return User{Name: name, Password: name, Roles: []string{name}}
}

// writeSecurity writes the files of the file realm, and of the roles.
func (s *Server) writeSecurity() error {
	probe := s.probe()
	roles := maps.Clone(s.roles)
	roles[probe.Name] = map[string]any{"cluster": []string{"monitor"}}
	text, err := yaml.Marshal(roles) // not JSON: the server takes a file apart at lines that are not indented
	if err != nil {
		return fmt.Errorf("encode roles: %w", err)
	}
	var passwords bytes.Buffer
	users := map[string][]string{} // by role
	for _, u := range append(slices.Collect(maps.Values(s.users)), probe) {
		// A password that is no known hash is compared as it is.
		fmt.Fprintf(&passwords, "%s:%s\n", u.Name, u.Password)
		for _, role := range u.Roles {
			users[role] = append(users[role], u.Name)
		}
	}
	var members bytes.Buffer
	for role, names := range users {
		fmt.Fprintf(&members, "%s:%s\n", role, strings.Join(names, ","))
	}
	return errors.Join(
		s.writeFile("roles.yml", text),
		s.writeFile("users", passwords.Bytes()),
		s.writeFile("users_roles", members.Bytes()),
		s.writeFile("role_mapping.yml", nil),
	)
}
