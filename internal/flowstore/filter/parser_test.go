package filter

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// TestPrint parses and prints; the printed form shows how the text was read.
func TestPrint(t *testing.T) {
	for text, want := range map[string]string{
		"source.port=80":                     "source.port = 80",
		" source.port\t=\n80\r ":             "source.port = 80",
		"source.port!=80":                    "source.port != 80",
		"source.port<80":                     "source.port < 80",
		"source.port<=80":                    "source.port <= 80",
		"source.port>80":                     "source.port > 80",
		"source.port>=80":                    "source.port >= 80",
		"host.name~vm":                       "host.name ~ vm",
		"host.name!~vm":                      "host.name !~ vm",
		"host.name exists":                   "host.name exists",
		"host.name NOT Exists":               "host.name not exists",
		"source.port in(80,443)":             "source.port in (80, 443)",
		"source.port not in ( 80 )":          "source.port not in (80)",
		"source.address in (10.0.0.0/8,::1)": "source.address in (10.0.0.0/8, ::1)",
		`host.name = "a b"`:                  `host.name = "a b"`,
		`host.name = "plain"`:                "host.name = plain",
		`host.name = ""`:                     `host.name = ""`,
		`host.name = "a\"b\\c"`:              `host.name = "a\"b\\c"`,
		"host.name = and":                    "host.name = and",
		"host.name = né":                     "",
		`host.name = "né"`:                   `host.name = "né"`,
		"source.port=1 and source.port=2":    "source.port = 1 and source.port = 2",
		"source.port=1 AND source.port=2":    "source.port = 1 and source.port = 2",
		"source.port=1 or source.port=2 and host.name exists":   "source.port = 1 or (source.port = 2 and host.name exists)",
		"(source.port=1 or source.port=2) and host.name exists": "(source.port = 1 or source.port = 2) and host.name exists",
		"((source.port=1))":                    "source.port = 1",
		"not source.port=1":                    "not source.port = 1",
		"not (source.port=1 or source.port=2)": "not (source.port = 1 or source.port = 2)",
		"not not source.port=1":                "not not source.port = 1",
		"either.port=1":                        "source.port = 1 or destination.port = 1",
		"either.port!=1":                       "source.port != 1 and destination.port != 1",
		"either.port exists":                   "source.port exists or destination.port exists",
		"either.address not in (::1)":          "source.address not in (::1) and destination.address not in (::1)",
		"either.process.executable.name ~ c and flow.action=deny": "(source.process.executable.name ~ c or destination.process.executable.name ~ c) and flow.action = deny",
		"flow.end > 2026-01-02T03:04:05.5+01:00":                  "flow.end > 2026-01-02T03:04:05.5+01:00",
		"flow.peer.observed = TRUE":                               "flow.peer.observed = TRUE",
	} {
		t.Run(text, func(t *testing.T) {
			expr, err := Parse(text)
			if want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, want, expr.String())
			again, err := Parse(expr.String())
			require.NoError(t, err)
			assert.Equal(t, expr, again)
		})
	}
}

func TestEmptyFilterMatchesEverything(t *testing.T) {
	for _, text := range []string{"", " ", "\n\t"} {
		expr, err := Parse(text)
		require.NoError(t, err)
		assert.Nil(t, expr)
	}
}

func TestErrors(t *testing.T) {
	const operators = "expected an operator (=, !=, <, <=, >, >=, ~, !~, in, not in, exists, not exists), found "
	for _, test := range []struct {
		text    string
		offset  int
		message string
	}{
		// The characters.
		{"source.port = 80;", 16, `unexpected ';': put values with special characters in double quotes`},
		{"host.name = né", 13, `unexpected 'é': put values with special characters in double quotes`},
		{"source.port ! 80", 12, `unexpected '!': put values with special characters in double quotes`},
		{`host.name = "open`, 12, "the quote is not closed"},
		{`host.name = "a\n"`, 14, `a backslash in quotes must be followed by " or \`},
		{`host.name = "a\`, 14, `a backslash in quotes must be followed by " or \`},
		{"host.name = \"\xff\"", 13, "the filter is not valid UTF-8"},
		{strings.Repeat(" ", MaxLength+1), MaxLength, "the filter is longer than 16384 bytes"},
		// The structure.
		{"source.port", 11, operators + "the end"},
		{"source.port 80", 12, operators + `"80"`},
		{"source.port not = 80", 16, operators + `"="`},
		{"source.port not", 15, operators + "the end"},
		{"source.port (80)", 12, `expected an operator, found "("`},
		{"source.port =", 13, "expected a value, found the end"},
		{"source.port = =", 14, `expected a value, found "="`},
		{"= 80", 0, `expected a field name, found "="`},
		{`"source.port" = 80`, 0, `expected a field name, found "source.port"`},
		{"not", 3, "expected a field name, found the end"},
		{"source.port = 80 and", 20, "expected a field name, found the end"},
		{"source.port = 80 or or", 20, `expected a field name, found "or"`},
		{"and source.port = 80", 0, `expected a field name, found "and"`},
		{"source.port = 80 source.port = 81", 17, `unexpected "source.port": join conditions with and, or`},
		{"source.port = 80)", 16, `unexpected ")": join conditions with and, or`},
		{"(source.port = 80", 17, `expected ")", found the end`},
		{"(source.port = 80 81", 18, `expected ")", found "81"`},
		{"source.port in 80", 15, `expected "(" and a list of values, found "80"`},
		{"source.port in ()", 16, `expected a value, found ")"`},
		{"source.port in (80", 18, `expected "," or ")", found the end`},
		{"source.port in (80 81)", 19, `expected "," or ")", found "81"`},
		{"source.port in (80,)", 19, `expected a value, found ")"`},
		{strings.Repeat("(", 66) + "source.port = 80", 65, "the filter nests deeper than 64: leave out parentheses and nots"},
		{strings.Repeat("not ", 66) + "source.port = 80", 260, "the filter nests deeper than 64: leave out parentheses and nots"},
		{strings.Repeat("not ", 64) + "either.port = 80", 256, "the filter nests deeper than 64: leave out parentheses and nots"},
		// The fields.
		{"port = 80", 0, `there is no field "port": did you mean source.port?`},
		{"Source.Port = 80", 0, `there is no field "Source.Port": did you mean source.port?`},
		{"retrans = 80", 0, `there is no field "retrans": did you mean flow.tcp.retransmits?`},
		{"either.pid = 80", 0, `there is no field "either.pid": did you mean process.pid?`},
		{"quux = 80", 0, `there is no field "quux"`},
		{"a. = 80", 0, `there is no field "a."`},
		// The values.
		{"source.port = http", 14, `"http" is not a whole number, which source.port needs`},
		{"source.port = 1.5", 14, `"1.5" is not a whole number, which source.port needs`},
		{"source.bytes > 9223372036854775808", 15, `"9223372036854775808" is not a whole number, which source.bytes needs`},
		{"source.address = localhost", 17, `"localhost" is not an address: write one like 10.0.0.1, or a prefix like 10.0.0.0/8`},
		{"source.address = fe80::1%eth0", 17, "" /* the message is checked below */},
		{"source.address < 10.0.0.0/8", 17, "a prefix like 10.0.0.0/8 works with =, !=, in and not in only"},
		{"source.address = 10.0.0.0/33", 17, `"10.0.0.0/33" is not a prefix: write one like 10.0.0.0/8 (0 to 32) or fd00::/8 (0 to 128)`},
		{"source.address in (::1, 10/8)", 24, `"10/8" is not a prefix: write one like 10.0.0.0/8 (0 to 32) or fd00::/8 (0 to 128)`},
		{"flow.peer.observed = yes", 21, `"yes" is neither true nor false`},
		{"flow.end > now", 11, `"now" is not a time like 2006-01-02T15:04:05Z`},
		{"flow.end > 9999-01-01T00:00:00Z", 11, `"9999-01-01T00:00:00Z" is too far from now: use a year from 1678 to 2261`},
	} {
		t.Run(test.text, func(t *testing.T) {
			expr, err := Parse(test.text)
			assert.Nil(t, expr)
			var at *Error
			require.True(t, errors.As(err, &at), "%v", err)
			assert.Equal(t, test.offset, at.Offset)
			if test.message != "" {
				assert.Equal(t, test.message, at.Message)
			}
		})
	}
}

func TestZoneErrorSaysWhatToWrite(t *testing.T) {
	_, err := Parse("source.address = fe80::1%eth0")
	assert.EqualError(t, err, `flows carry no zone: write fe80::1 instead of "fe80::1%eth0" (at character 18)`)
}

func TestMatch(t *testing.T) {
	f := &flow.Flow{
		Start: 1767355165e9, End: 1767355170e9, // 2026-01-02T11:59:30Z
		Reporter: flow.ReporterSource, Action: flow.Allow, Transport: flow.TransportTCP,
		Source: flow.Endpoint{
			Address: netip.MustParseAddr("::ffff:10.1.2.3"), Process: flow.Intern("Chromium"), Bytes: 1000,
		},
		Destination: flow.Endpoint{
			Address: netip.MustParseAddr("2001:db8::7"), Port: 443, Process: flow.Intern(""),
			Domains: flow.NameSetOf(flow.Intern("cdn.example.net"), flow.Intern("www.example.com")),
		},
		TCP: flow.TCP{RTTSum: 30, RTTSamples: 3},
	}
	checkMatches(t, f, map[string]bool{
		// Addresses.
		"source.address = 10.1.2.3":                        true,
		"source.address = ::ffff:10.1.2.3":                 true,
		"source.address = ::ffff:a01:203":                  true,
		"source.address != 10.1.2.3":                       false,
		"source.address = 10.0.0.0/8":                      true,
		"source.address = 10.1.2.99/24":                    true,
		"source.address = ::ffff:10.0.0.0/104":             true,
		"source.address = ::ffff:11.0.0.0/104":             false,
		"source.address = ::ffff:0:0/96":                   true,
		"source.address = 0.0.0.0/0":                       true,
		"source.address = ::/0":                            false,
		"source.address != ::/0":                           true,
		"destination.address = ::/0":                       true,
		"destination.address = 0.0.0.0/0":                  false,
		"destination.address in (10.0.0.0/8, 2001:db8::7)": true,
		"destination.address in (10.0.0.0/8, 2001:db8::8)": false,
		"destination.address in (2001:db8::/32)":           true,
		"source.address not in (10.0.0.0/8, ::1)":          false,
		"source.address < 10.1.2.4":                        true,
		"source.address > 9.255.255.255":                   true,
		"source.address < ::":                              true, // IPv4 comes before IPv6
		"source.address ~ 10.1.":                           true,
		"destination.address ~ DB8":                        true,
		"either.address = 10.0.0.0/8":                      true,
		"either.address != 10.0.0.0/8":                     false,
		"either.address != 192.0.2.0/24":                   true,
		// Text.
		"source.process.executable.name = Chromium":          true,
		"source.process.executable.name = chromium":          false,
		"source.process.executable.name ~ chrom":             true,
		"source.process.executable.name ~ CHROM":             true,
		"source.process.executable.name !~ fire":             true,
		"source.process.executable.name < D":                 true,
		"source.process.executable.name >= Chromium":         true,
		"source.process.executable.name in (curl, Chromium)": true,
		`destination.process.executable.name = ""`:           true,
		"destination.process.executable.name exists":         true,
		"network.type = ipv4":                                true,
		"network.transport = tcp":                            true,
		"flow.reporter in (source, forward)":                 true,
		// Lists.
		"destination.domains = www.example.com":                        true,
		"destination.domains != www.example.com":                       false,
		"destination.domains = example.com":                            false,
		"destination.domains != example.com":                           true,
		"destination.domains ~ .NET":                                   true,
		"destination.domains ~ netwww":                                 false,
		"destination.domains in (a, cdn.example.net)":                  true,
		"destination.domains < d":                                      true,
		"destination.domains exists and destination.domains > v":       true,
		"destination.domains not in (cdn.example.net, no.example.com)": false,
		// Numbers, times, truth.
		"destination.port = 443":               true,
		"destination.port >= 443":              true,
		"destination.port > 443":               false,
		"destination.port < 1024":              true,
		"destination.port not in (80, 443)":    false,
		"destination.port ~ 4":                 true,
		"source.bytes > -1":                    true,
		"flow.tcp.rtt.mean = 10":               true,
		"flow.end = 2026-01-02T11:59:30Z":      true,
		"flow.end = 2026-01-02T12:59:30+01:00": true,
		"flow.start < 2026-01-02T11:59:30Z":    true,
		"flow.peer.observed = false":           true,
		"flow.peer.observed != true":           true,
		// Absent attributes.
		"source.port = 0":        false,
		"source.port != 0":       true,
		"source.port < 1":        false,
		"source.port >= 0":       false,
		"source.port in (0)":     false,
		"source.port not in (0)": true,
		"flow.deny.reason ~ e":   false,
		"flow.deny.reason !~ e":  true,
		"source.port exists":     false,
		"source.port not exists": true,
		"not source.port = 0":    true,
		"either.port exists":     true,
		"either.port not exists": false,
		// Structure.
		"destination.port = 443 and source.port = 1":                       false,
		"destination.port = 443 or source.port = 1":                        true,
		"source.port = 1 or destination.port = 443 and flow.action = deny": false,
		"not (destination.port = 443 and flow.action = deny)":              true,
		"not destination.port = 443 or flow.action = allow":                true,
	})
}

// TestMatchLooksIntoLists asks of a record that stands for several.
func TestMatchLooksIntoLists(t *testing.T) {
	f := &flow.Flow{Destination: flow.Endpoint{Port: 443}, Aggregation: &flow.Aggregation{Level: flow.LevelWorkloads}}
	for name, values := range map[string]string{
		"source.addresses": "10.1.2.3 2001:db8::7 ::ffff:10.9.9.9", "source.ports": "40000 0080", "destination.k8s.pod.names": "web-1 web-2",
		"process.executable.names": "curl Wget",
	} {
		require.NoError(t, flow.Flows.Lookup(name).Set(f, flow.Value{Type: flow.Keywords, List: strings.Fields(values)}))
	}
	checkMatches(t, f, map[string]bool{
		// One of the values is enough, a negation is the complement.
		"source.address = 10.1.2.3":                                  true,
		"source.address != 10.1.2.3":                                 false,
		"not source.address = 10.1.2.3":                              false,
		"source.address = 10.1.2.4":                                  false,
		"source.address != 10.1.2.4":                                 true,
		"source.address in (10.0.0.0/8)":                             true,
		"source.address = 2001:db8::/32":                             true,
		"source.address not in (10.0.0.0/8)":                         false,
		"source.address < 10.2.0.0":                                  true,
		"source.address = 10.1.2.3 and source.address = 2001:db8::7": true,
		"source.port = 40000":                                        true,
		"source.port > 1024":                                         true,
		"source.port < 1024":                                         false,
		"destination.k8s.pod.name = web-2":                           true,
		"destination.k8s.pod.name ~ WEB":                             true,
		"process.executable.name in (Wget, ssh)":                     true,
		"process.executable.name !~ wget":                            false,
		// What no value prints as has its text and nothing else.
		"source.address = 10.9.9.9": false,
		"source.address ~ ffff":     true,
		"source.port = 80":          false,
		"source.port ~ 0080":        true,
		// An attribute with several values is not absent.
		"source.address exists":        true,
		"source.address not exists":    false,
		"source.k8s.pod.name exists":   false,
		"source.k8s.pod.name != web-1": true,
		// Either end, and the attribute alone beside lists of others.
		"either.address = 10.0.0.0/8":  true,
		"either.address != 10.0.0.0/8": false,
		"either.k8s.pod.name = web-1":  true,
		"destination.port = 443":       true,
		"destination.port = 40000":     false,
		"either.port = 40000":          true,
		// The list itself is text.
		"source.addresses = 10.1.2.3": true,
		"source.addresses exists":     true,
		"destination.ports exists":    false,
	})
}

func checkMatches(t *testing.T, f *flow.Flow, cases map[string]bool) {
	t.Helper()
	for text, want := range cases {
		t.Run(text, func(t *testing.T) {
			expr, err := Parse(text)
			require.NoError(t, err)
			assert.Equal(t, want, expr.Match(f))
		})
	}
}

func TestLowerASCIILeavesTheRestAlone(t *testing.T) {
	assert.Equal(t, "az[é\u212a\u0130z", LowerASCII("Az[é\u212a\u0130Z"))
	assert.Equal(t, "", LowerASCII(""))
}
