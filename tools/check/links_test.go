package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestBrokenLinksAreNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	if out, err := exec.Command("git", "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out)
	}
	const text = "[a](b.md#part) [c](missing.md) [d](https://example.org/e) ![f](images/none.png)"
	for name, content := range map[string]string{"a.md": text, "b.md": ""} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := brokenLinks(context.Background(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.md links to missing.md, which does not exist", "a.md links to images/none.png, which does not exist"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
