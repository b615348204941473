package flowelasticsearchextension

import (
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/bytesize"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// LifecycleConfig is by class of documents: allowed flows, denied flows, what agents
// tell of themselves, and documents that were rejected.
type LifecycleConfig struct {
	Allowed  ClassConfig `mapstructure:"allowed"`
	Denied   ClassConfig `mapstructure:"denied"`
	Observer ClassConfig `mapstructure:"observer"`
	Rejected ClassConfig `mapstructure:"rejected"`
}

// ClassConfig is the lifecycle of a class.
type ClassConfig struct {
	// Days is how long documents are kept, and up to an eighth longer. It is in the
	// templates, for the lifecycle of data streams, where the server has that; with recycle
	// it holds on every server, and for data streams that exist already. Default: 0, for
	// good.
	Days int `mapstructure:"days"`
	// Policy is the name of a policy of index lifecycle management instead of Days, which
	// has to exist. Default: none.
	Policy string `mapstructure:"policy"`
	// MinDays is how long documents are kept even if there is no room for others. It needs
	// recycle; a policy does not know it. Default: 0, not at all.
	MinDays int `mapstructure:"min_days"`
	// MaxSize is how much the class may take, copies included, as in 50GiB; the oldest goes
	// first. It needs recycle. Default: 0, no limit.
	MaxSize bytesize.Size `mapstructure:"max_size"`
}

// maxDays is that of a time.Duration.
const maxDays = 100_000

// check tells what is wrong.
func (l *LifecycleConfig) check(recycle bool) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("lifecycle::"+format, args...)) }
	for _, class := range schema.Classes() {
		c := l.classes()[class]
		if c.Days < 0 || c.Days > maxDays {
			wrong("%s::days is %d: use 1 to %d, or 0 to keep documents for good", class, c.Days, maxDays)
		}
		if c.Days > 0 && c.Policy != "" {
			wrong("%s: days and policy are both given: leave one", class)
		}
		if c.MinDays < 0 || c.MinDays > maxDays {
			wrong("%s::min_days is %d: use 1 to %d, or 0 to keep nothing when there is no room", class, c.MinDays, maxDays)
		}
		if c.Days > 0 && c.MinDays > c.Days {
			wrong("%s::min_days is %d, more than days, %d: lower the one or raise the other", class, c.MinDays, c.Days)
		}
		if c.MaxSize != 0 && c.MaxSize < leastSize {
			wrong("%s::max_size is %s: use %s or more, or 0 for no limit", class, c.MaxSize, leastSize)
		}
		if c.MinDays != 0 && !recycle {
			wrong("%s::min_days is given without recycle, which it is about: add recycle", class)
		}
		if c.MaxSize != 0 && !recycle {
			wrong("%s::max_size is given without recycle, which sees to it: add recycle", class)
		}
	}
	return errors.Join(errs...)
}

func (c *ClassConfig) retention() time.Duration { return days(c.Days) }

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func (l *LifecycleConfig) classes() map[schema.Class]ClassConfig {
	return map[schema.Class]ClassConfig{
		schema.Allowed: l.Allowed, schema.Denied: l.Denied, schema.Observer: l.Observer, schema.Rejected: l.Rejected,
	}
}
