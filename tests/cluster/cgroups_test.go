package cluster

import (
	"os"
	"path/filepath"
	"testing"
)

func TestControllersAreHandedDownToTheGroup(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "cgroup.controllers"), []byte("cpu memory\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := delegate(root, "a/b"); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{".": "+cpu +memory", "a": "+cpu +memory", "a/b": ""} {
		// A group that may hold processes must not hand down.
		got, err := os.ReadFile(filepath.Join(root, dir, "cgroup.subtree_control"))
		if err != nil && (want != "" || !os.IsNotExist(err)) {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s hands down %q, want %q", dir, got, want)
		}
	}
}
