package cmdline

import (
	"regexp"
	"strings"
)

// Redacted stands for a secret.
const Redacted = "***"

// secretName matches what options, variables and keys that hold secrets are called.
const secretName = `(?:[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|credential|cookie|(?:api|access|private)[-_.]?key)[\w.-]*|pass|passin|passout)`

var (
	// namesSecret is an option whose value is the next argument.
	namesSecret = regexp.MustCompile(`(?i)^--?` + secretName + `$`)
	// namesUser is an option whose value may be user:password.
	namesUser = regexp.MustCompile(`^(?:-u|-U|--user|--proxy-user)$`)
	// credentials is such a value.
	credentials = regexp.MustCompile(`^[^:\s]*:(.+)$`)

	secrets = []*regexp.Regexp{
		// name=value, to the end of the argument
		regexp.MustCompile(`(?is)^-{0,2}` + secretName + `=(.+)$`),
		// the same within an argument: queries, JSON, connection strings
		regexp.MustCompile(`(?i)["']?` + secretName + `["']?\s*[=:]\s*["']?([^\s"'&;,]+)`),
		// --name value, within an argument: scripts
		regexp.MustCompile(`(?i)\s--?` + secretName + `\s+(\S+)`),
		// scheme://user:password@host
		regexp.MustCompile(`://[^/\s:@]*:(\S+)@`),
		// user:password
		regexp.MustCompile(`^(?:-u|--user=|--proxy-user=)[^:\s]+:(.+)$`),
		// headers
		regexp.MustCompile(`(?i)\b(?:proxy-)?authorization\s*:\s*(.+)$`),
		regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+(\S+)`),
		// tokens and keys by their form: JWT, AWS, GitHub, GitLab, Slack, PEM
		regexp.MustCompile(`\beyJ[\w-]+\.[\w-]+\.[\w-]*`),
		regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`),
		regexp.MustCompile(`\b(?:gh[pousr]_|github_pat_)\w{20,}`),
		regexp.MustCompile(`\bglpat-[\w-]{16,}`),
		regexp.MustCompile(`\bxox[abeprs]-[\w-]+`),
		regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*`),
	}
)

// redact replaces the secrets in args. When in doubt it takes something for a
// secret: what follows --password-file is replaced too.
func redact(args []string, own []*regexp.Regexp) {
	option := "" // the argument before, as it was
	for i, arg := range args {
		before := option
		option = arg
		if namesSecret.MatchString(before) {
			args[i] = Redacted
			continue
		}
		if namesUser.MatchString(before) {
			args[i] = replace(credentials, args[i])
		}
		for _, pattern := range secrets {
			args[i] = replace(pattern, args[i])
		}
		for _, pattern := range own {
			args[i] = replace(pattern, args[i])
		}
	}
}

// replace puts Redacted for the first group of each match, or for the match.
func replace(pattern *regexp.Regexp, s string) string {
	matches := pattern.FindAllStringSubmatchIndex(s, -1)
	if matches == nil {
		return s
	}
	var b strings.Builder
	done := 0
	for _, m := range matches {
		from, to := m[0], m[1]
		if len(m) > 2 {
			from, to = m[2], m[3]
		}
		if from < 0 || from == to {
			continue
		}
		b.WriteString(s[done:from])
		b.WriteString(Redacted)
		done = to
	}
	b.WriteString(s[done:])
	return b.String()
}
