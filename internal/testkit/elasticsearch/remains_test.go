//go:build linux

package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
)

// killedTest tells the test binary to be a test that is killed.
const killedTest = "FLOWLOGS_KILLED_TEST"

func TestNothingIsLeftOfAKilledTest(t *testing.T) {
	if os.Getenv(killedTest) != "" {
		s := Start(t, Options{})
		if err := json.NewEncoder(os.Stdout).Encode(remains{s.process.Cmd.Process.Pid, s.dir}); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	needPrograms(t)
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), killedTest+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var left remains
	err = json.NewDecoder(out).Decode(&left)
	if killErr := cmd.Process.Kill(); killErr != nil {
		t.Error(killErr)
	}
	_ = cmd.Wait() // it was killed
	if err != nil {
		t.Fatalf("read what the other test started: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(left.Dir) })

	err = daemon.Until(t.Context(), patience, func(context.Context) error {
		if err := syscall.Kill(-left.Group, 0); !errors.Is(err, syscall.ESRCH) {
			return errors.Join(errors.New("it still runs"), err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("the server (process group %d): %v", left.Group, err)
	}
	if err := removeLeftovers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory: %v, want nothing", err)
	}
}

// remains is what a killed test leaves.
type remains struct {
	Group int
	Dir   string
}

func TestLeftoversGoAndLivingServersStay(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	living, release, err := claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	dead := filepath.Join(os.TempDir(), prefix()+"dead")
	if err := os.Mkdir(dead, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dead, lockFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, releaseNext, err := claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer releaseNext()
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a dead test left: %v, want nothing", err)
	}
	if _, err := os.Stat(living); err != nil {
		t.Errorf("a living server's data: %v", err)
	}
}

func TestAnotherFileThanWasPublishedIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "elasticsearch.zip")
	if err := os.WriteFile(name, []byte("something else"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := verify(name, archiveSum); err == nil {
		t.Error("it was taken")
	}
}

func TestAnOldOrMissingJavaIsNamedWithTheCure(t *testing.T) {
	home := t.TempDir()
	t.Setenv("ES_JAVA_HOME", home)
	wantCure := func(what string) {
		t.Helper()
		if _, err := javaHome(t.Context()); err == nil || !strings.Contains(err.Error(), javaCure) {
			t.Errorf("%s: %v, want an error that says what to install", what, err)
		}
	}
	wantCure("no java")
	if err := os.Mkdir(filepath.Join(home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho '    java.home = /opt/java'\necho '    java.specification.version = 11'\n"
	if err := os.WriteFile(filepath.Join(home, "bin/java"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	wantCure("Java 11")
}
