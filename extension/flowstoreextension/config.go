package flowstoreextension

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/bytesize"
)

// Config says where the store keeps its records and how many.
type Config struct {
	// Directory holds the database, relative to the working directory of the
	// collector. It is made when it does not exist. Default: data. No other
	// process may use it at the same time.
	Directory string `mapstructure:"directory"`
	// MaxSize is how much disk the database may take, its log included, as in
	// 2GiB or 500MB; the oldest records are deleted to stay below. Default: 10GiB;
	// 0 means no limit; else at least 64MiB.
	MaxSize bytesize.Size `mapstructure:"max_size"`
	// MaxAge is how long records are kept. Default: 168h; 0 means for good.
	MaxAge time.Duration `mapstructure:"max_age"`
	// MemoryLimit bounds the memory of the database's buffers and queries; what
	// does not fit goes to disk. Default: 512MiB; at least 64MiB.
	MemoryLimit bytesize.Size `mapstructure:"memory_limit"`
	// MinFree is how much of the file system must be left for a write; with less
	// the store refuses writes until there is room again. Default: 64MiB; 0 means
	// that writes go on until the disk is full.
	MinFree bytesize.Size `mapstructure:"min_free"`
}

// The defaults, and what the database needs at least.
const (
	defaultDirectory                 = "data"
	defaultMaxSize                   = 10 << 30
	defaultMaxAge                    = 7 * 24 * time.Hour
	defaultMemoryLimit               = 512 << 20
	defaultMinFree                   = 64 << 20
	leastSize          bytesize.Size = 64 << 20
)

func createDefaultConfig() component.Config {
	return &Config{
		Directory:   defaultDirectory,
		MaxSize:     defaultMaxSize,
		MaxAge:      defaultMaxAge,
		MemoryLimit: defaultMemoryLimit,
		MinFree:     defaultMinFree,
	}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if c.Directory == "" {
		errs = append(errs, errors.New("directory must not be empty: name the directory for the database"))
	}
	if c.MaxSize != 0 && c.MaxSize < leastSize {
		errs = append(errs, fmt.Errorf("max_size is %s: use %s or more, or 0 for no limit", c.MaxSize, leastSize))
	}
	if c.MaxAge < 0 {
		errs = append(errs, fmt.Errorf("max_age is %s: use a positive time, or 0 to keep records for good", c.MaxAge))
	}
	if c.MemoryLimit < leastSize {
		errs = append(errs, fmt.Errorf("memory_limit is %s: use %s or more", c.MemoryLimit, leastSize))
	}
	return errors.Join(errs...)
}
