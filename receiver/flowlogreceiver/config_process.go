package flowlogreceiver

import (
	"errors"
	"fmt"
	"regexp"
)

// ProcessConfig chooses what records say of the reporter's process.
type ProcessConfig struct {
	// Arguments are those that the process was started with.
	Arguments ArgumentsConfig `mapstructure:"arguments"`
}

// ArgumentsConfig is about the arguments of processes, which records carry as
// their command line.
type ArgumentsConfig struct {
	// Enabled records them. Default false: people put secrets there, and not every
	// secret looks like one.
	Enabled bool `mapstructure:"enabled"`

	// MaxLength is the length of a command line in bytes beyond which it is cut.
	// Default 1024, from 16 to 16384.
	MaxLength int `mapstructure:"max_length"`

	// Redact lists patterns (RE2) of secrets beside the usual ones, which are always
	// replaced. Each is matched with one argument at a time; its first group is
	// replaced by ***, or all that it matches if it has no group.
	Redact []string `mapstructure:"redact"`
}

const (
	minArgumentsLength = 16
	maxArgumentsLength = 16384
)

// Validate checks the bounds and the patterns.
func (c *ArgumentsConfig) Validate() error {
	var errs []error
	if c.MaxLength < minArgumentsLength || c.MaxLength > maxArgumentsLength {
		errs = append(errs, fmt.Errorf("max_length: %d is not from %d to %d", c.MaxLength, minArgumentsLength, maxArgumentsLength))
	}
	_, err := c.patterns()
	return errors.Join(append(errs, err)...)
}

func (c *ArgumentsConfig) patterns() ([]*regexp.Regexp, error) {
	var patterns []*regexp.Regexp
	var errs []error
	for _, s := range c.Redact {
		pattern, err := regexp.Compile(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("redact: %q: %w", s, err))
			continue
		}
		patterns = append(patterns, pattern)
	}
	return patterns, errors.Join(errs...)
}
