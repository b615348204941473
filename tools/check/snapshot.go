package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// snapshot holds the content of generated files by path.
type snapshot map[string][]byte

// takeSnapshot reads every file that matches one of the patterns, which are
// filepath.Match patterns or directories.
func takeSnapshot(patterns []string) (snapshot, error) {
	s := snapshot{}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				s[path], err = os.ReadFile(path)
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// restore puts the files back as they were and removes those that are new.
func (s snapshot) restore(now snapshot) error {
	for path := range now {
		if _, had := s[path]; !had {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for path, content := range s {
		if bytes.Equal(now[path], content) && now[path] != nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// diff names the files that differ, one per line; "" means none.
func (s snapshot) diff(now snapshot) string {
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(s)) {
		switch content, has := now[path]; {
		case !has:
			lines = append(lines, path+" is committed but no longer generated")
		case !bytes.Equal(s[path], content):
			lines = append(lines, fmt.Sprintf("%s differs: committed %d bytes, generated %d bytes%s",
				path, len(s[path]), len(content), firstDifference(s[path], content)))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(now)) {
		if _, had := s[path]; !had {
			lines = append(lines, path+" is generated but not committed")
		}
	}
	return strings.Join(lines, "\n")
}

func firstDifference(a, b []byte) string {
	if bytes.IndexByte(a, 0) >= 0 || bytes.IndexByte(b, 0) >= 0 {
		return ""
	}
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("\n  line %d committed: %.200s\n  line %d generated: %.200s", i+1, x[i], i+1, y[i])
		}
	}
	return ""
}
