package flowelasticsearchextension

import (
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/recycle"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/bytesize"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// RecycleConfig says when what is kept is too much. What is too old is in lifecycle.
type RecycleConfig struct {
	// Interval is how often the server is looked at. Default: 1m; at least 30s, for the
	// server measures only now and then, and files go later than indices.
	Interval time.Duration `mapstructure:"interval"`
	// MaxSize is how much all classes may take together, copies included, as in 200GiB.
	// Default: 0, no limit.
	MaxSize bytesize.Size `mapstructure:"max_size"`
	// Disk says how full the disks of the servers may be, whoever fills them.
	Disk DiskConfig `mapstructure:"disk"`
	// DryRun has the extension say what it would delete, and delete nothing. Default: false.
	DryRun bool `mapstructure:"dry_run"`
}

// DiskConfig is in percent of a disk.
type DiskConfig struct {
	// StartPercent is the use of a disk above which indices on it are deleted. Where the
	// server's high watermark is not at least 5 above it, they are from that much below it
	// on. Default: 80; 0 means whatever the use.
	StartPercent int `mapstructure:"start_percent"`
	// StopPercent is the use at which that stops. Default: 70.
	StopPercent int `mapstructure:"stop_percent"`
}

const (
	leastInterval = 30 * time.Second
	// leastSize is for who forgets a unit: a budget of 200 bytes would delete everything.
	leastSize bytesize.Size = 100 << 20
)

func defaultRecycle() RecycleConfig {
	return RecycleConfig{Interval: time.Minute, Disk: DiskConfig{StartPercent: 80, StopPercent: 70}}
}

// Validate implements confmap.Validator.
func (c *RecycleConfig) Validate() error {
	var errs []error
	if c.Interval < leastInterval {
		errs = append(errs, fmt.Errorf("interval is %s: use %s or more, for Elasticsearch measures only now and then", c.Interval, leastInterval))
	}
	if c.MaxSize != 0 && c.MaxSize < leastSize {
		errs = append(errs, fmt.Errorf("max_size is %s: use %s or more, or 0 for no limit", c.MaxSize, leastSize))
	}
	d := c.Disk
	if d.StartPercent < 0 || d.StartPercent > 99 {
		errs = append(errs, fmt.Errorf("disk::start_percent is %d: use 1 to 99, or 0 to delete nothing for the sake of disks", d.StartPercent))
	}
	if d.StartPercent > 0 && (d.StopPercent < 1 || d.StopPercent >= d.StartPercent) {
		errs = append(errs, fmt.Errorf("disk::stop_percent is %d: use 1 to %d, less than start_percent", d.StopPercent, d.StartPercent-1))
	}
	return errors.Join(errs...)
}

// recycling is what Recycle and Lifecycle say together.
func (c *Config) recycling() recycle.Options {
	r := c.Recycle.Get()
	limits := recycle.Limits{
		Size:    int64(r.MaxSize),
		Start:   float64(r.Disk.StartPercent) / 100,
		Stop:    float64(r.Disk.StopPercent) / 100,
		Classes: map[schema.Class]recycle.ClassLimits{},
	}
	for class, l := range c.Lifecycle.classes() {
		limits.Classes[class] = recycle.ClassLimits{Age: l.retention(), Keep: days(l.MinDays), Size: int64(l.MaxSize), Managed: l.Policy != ""}
	}
	return recycle.Options{
		Scope:  recycle.Scope{Mapping: c.Mapping.Mode, Namespace: c.Namespace},
		Limits: limits,
		DryRun: r.DryRun,
	}
}
