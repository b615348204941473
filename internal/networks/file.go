package networks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// maxFileSize bounds what is read of a file, in bytes.
const maxFileSize = 64 << 20

// document is the form of a file of networks.
type document struct {
	Networks []struct {
		Name  string   `yaml:"name"`
		CIDRs []string `yaml:"cidrs"`
	} `yaml:"networks"`
}

// Parse reads a file of networks: YAML, or JSON, in the form of the configuration.
//
//	networks:
//	  - name: office
//	    cidrs: [192.0.2.0/24, 2001:db8::/32]
func Parse(data []byte) ([]Network, error) {
	var doc document
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	list := make([]Network, 0, len(doc.Networks))
	for i, n := range doc.Networks {
		network, err := Named(n.Name, n.CIDRs)
		if err != nil {
			return nil, fmt.Errorf("networks[%d]: %w", i, err)
		}
		list = append(list, network)
	}
	return list, nil
}

// Named makes a network of its name and its prefixes as a person writes them.
func Named(name string, cidrs []string) (Network, error) {
	if name == "" {
		return Network{}, errors.New("name: is empty: give the network a name")
	}
	n := Network{Name: flow.Intern(name)}
	for _, s := range cidrs {
		prefix, err := ParsePrefix(s)
		if err != nil {
			return Network{}, fmt.Errorf("cidrs of %s: %w", name, err)
		}
		n.Prefixes = append(n.Prefixes, prefix)
	}
	return n, nil
}

// File is a file of networks that is read again when it changes. It is looked at now
// and then instead of watched: a mounted ConfigMap changes by a link that is swapped, and
// network file systems tell nobody.
type File struct {
	Path string
	// Every is how often it is looked at.
	Every time.Duration
	// Changed is called with the networks each time that they were read, Failed with the
	// reason when they could not be, once for each state of the file; the networks before
	// stay.
	Changed func([]Network)
	Failed  func(error)

	seen stamp
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
	info     fs.FileInfo
	missing  bool
}

// Load reads the file if it changed since.
func (f *File) Load() {
	info, err := os.Stat(f.Path)
	now := stamp{missing: err != nil}
	if err == nil {
		now.modified, now.size, now.info = info.ModTime(), info.Size(), info
	}
	if now.same(f.seen) {
		return
	}
	f.seen = now
	list, err := read(f.Path)
	if err != nil {
		f.Failed(fmt.Errorf("read networks of %s: %w", f.Path, err))
		return
	}
	f.Changed(list)
}

func (s stamp) same(other stamp) bool {
	if s.missing || other.missing {
		return s.missing == other.missing
	}
	return s.modified.Equal(other.modified) && s.size == other.size && other.info != nil && os.SameFile(s.info, other.info)
}

func read(path string) ([]Network, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("it has more than %d bytes: use fewer, wider prefixes", maxFileSize)
	}
	return Parse(data)
}

// Run looks at the file until ctx ends.
func (f *File) Run(ctx context.Context) {
	ticker := time.NewTicker(f.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.Load()
		}
	}
}
