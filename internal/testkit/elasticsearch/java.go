//go:build linux

package elasticsearch

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// minJava is the oldest Java that this Elasticsearch runs on.
const minJava = 17

const javaCure = "install openjdk-17-jre-headless, or set ES_JAVA_HOME"

var (
	javaHomeLine    = regexp.MustCompile(`(?m)^\s*java\.home = (.+)$`)
	javaVersionLine = regexp.MustCompile(`(?m)^\s*java\.specification\.version = (\d+)`)
)

// javaHome finds a Java: that of ES_JAVA_HOME or the one on the PATH.
func javaHome(ctx context.Context) (string, error) {
	java := "java"
	if home := os.Getenv("ES_JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin/java")
	}
	out, err := exec.CommandContext(ctx, java, "-XshowSettings:properties", "-version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("run %s: %w: %s", java, err, javaCure)
	}
	home, version := javaHomeLine.FindSubmatch(out), javaVersionLine.FindSubmatch(out)
	if home == nil || version == nil {
		return "", fmt.Errorf("%s does not tell its home and version: %s\n%s", java, javaCure, out)
	}
	if n, err := strconv.Atoi(string(version[1])); err != nil || n < minJava {
		return "", fmt.Errorf("%s is Java %s, Elasticsearch needs %d: %s", java, version[1], minJava, javaCure)
	}
	return string(home[1]), nil
}
