package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var markdownLink = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)

// brokenLinks names the links of Markdown files that lead to no file of the
// tree. Links to other hosts are not followed.
func brokenLinks(ctx context.Context, log io.Writer) ([]string, error) {
	files, err := trackedFiles(ctx, log, "*.md", ":!*/dist/*")
	if err != nil {
		return nil, err
	}
	var broken []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, m := range markdownLink.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], ":") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), m[1])); err != nil {
				broken = append(broken, fmt.Sprintf("%s links to %s, which does not exist", name, m[1]))
			}
		}
	}
	return broken, nil
}
