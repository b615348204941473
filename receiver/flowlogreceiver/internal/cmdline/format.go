package cmdline

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Options say how a command line is printed.
type Options struct {
	// MaxLength is in bytes; what is longer ends with an ellipsis.
	MaxLength int
	// Redact are patterns of secrets beside the usual ones, each matched with one
	// argument at a time: of a match the first group is replaced, or all of it if
	// the pattern has none.
	Redact []*regexp.Regexp
}

// Format prints what /proc/<pid>/cmdline holds, arguments that end with zeroes.
// A process that gave itself a title has one argument, which is printed as it is;
// otherwise arguments are quoted for a shell where they need it. The result is ""
// for a process that has none.
func Format(raw string, opts Options) string {
	raw = strings.TrimRight(raw, "\x00")
	if raw == "" {
		return ""
	}
	args := strings.Split(printable(raw), "\x00")
	redact(args, opts.Redact)
	line := args[0]
	if len(args) > 1 {
		for i, arg := range args {
			args[i] = quote(arg)
		}
		line = strings.Join(args, " ")
	}
	return shorten(line, opts.MaxLength)
}

// printable is s in UTF-8, with spaces for control characters other than zero.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != 0 && unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

var plain = regexp.MustCompile(`^[\w@%+=:,./*-]+$`)

func quote(arg string) string {
	if plain.MatchString(arg) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

const ellipsis = "…"

func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := max(0, limit-len(ellipsis))
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
