package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSnapshotNamesEveryDifferenceAndRestores(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	take := func() snapshot {
		t.Helper()
		s, err := takeSnapshot([]string{"dist", "*.go"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write("dist/a.js", "one\n")
	write("dist/b.js", "two\n")
	write("gen.go", "package x\nvar A = 1\n")
	write("ignored.txt", "x")
	committed := take()
	if diff := committed.diff(take()); diff != "" {
		t.Errorf("no change, but: %s", diff)
	}

	if err := os.Remove("dist/a.js"); err != nil {
		t.Fatal(err)
	}
	write("dist/new.js", "three\n")
	write("gen.go", "package x\nvar A = 2\n")
	now := take()
	diff := committed.diff(now)
	for _, want := range []string{
		"dist/a.js is committed but no longer generated",
		"gen.go differs", "line 2 generated: var A = 2",
		"dist/new.js is generated but not committed",
	} {
		if !strings.Contains(diff, want) {
			t.Errorf("%q is missing in:\n%s", want, diff)
		}
	}
	if strings.Contains(diff, "b.js") {
		t.Errorf("b.js did not change:\n%s", diff)
	}

	if err := committed.restore(now); err != nil {
		t.Fatal(err)
	}
	if diff := committed.diff(take()); diff != "" {
		t.Errorf("after restore: %s", diff)
	}
}
