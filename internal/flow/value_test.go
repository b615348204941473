package flow_test

import (
	"net/netip"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestScopeOf(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1": "loopback", "127.255.255.255": "loopback", "::1": "loopback", "::ffff:127.0.0.1": "loopback",
		"169.254.0.1": "link_local", "fe80::1": "link_local", "febf::1": "link_local",
		"10.0.0.0": "private", "10.255.255.255": "private", "172.16.0.1": "private", "172.31.255.255": "private", "192.168.0.1": "private", "::ffff:10.0.0.1": "private",
		"fc00::1": "unique_local", "fdff::1": "unique_local",
		"100.64.0.0": "cgnat", "100.127.255.255": "cgnat", "::ffff:100.64.0.1": "cgnat",
		"224.0.0.1": "multicast", "239.255.255.255": "multicast", "ff02::1": "multicast",
		"8.8.8.8": "public", "100.63.255.255": "public", "100.128.0.0": "public", "172.15.255.255": "public", "172.32.0.0": "public",
		"192.167.255.255": "public", "11.0.0.0": "public", "2001:db8::1": "public", "fec0::1": "public", "255.255.255.255": "public",
		"0.0.0.0": "", "::": "",
	} {
		assert.Equal(t, want, flow.ScopeOf(addr(address)).String(), address)
	}
	assert.Equal(t, flow.ScopeUnknown, flow.ScopeOf(netip.Addr{}))
}

func TestParseValueReadsWhatIsPrinted(t *testing.T) {
	for _, v := range []flow.Value{
		{Type: flow.Keyword, Str: "web, é"}, {Type: flow.Keyword}, {Type: flow.Integer, Int: -80}, {Type: flow.Integer},
		{Type: flow.Address, Addr: addr("10.0.0.1")}, {Type: flow.Address, Addr: addr("2001:db8::7")},
	} {
		got, ok := flow.ParseValue(v.Type, v.String())
		assert.True(t, ok, v.String())
		assert.Equal(t, v, got)
	}
	for text, of := range map[string]flow.Type{
		"080": flow.Integer, "+8": flow.Integer, "-0": flow.Integer, "8.0": flow.Integer, "9223372036854775808": flow.Integer,
		"::ffff:10.0.0.1": flow.Address, "fe80::1%eth0": flow.Address, "2001:DB8::7": flow.Address, "invalid IP": flow.Address, "10.0.0.0/8": flow.Address,
		"true": flow.Boolean, "a,b": flow.Keywords,
	} {
		_, ok := flow.ParseValue(of, text)
		assert.False(t, ok, "%s as %s", text, of)
	}
}

func TestIDPrintsAndParses(t *testing.T) {
	for text, id := range map[string]flow.ID{
		"":                                   {},
		"1-0-0":                              {Node: 1},
		"0-0-1":                              {Counter: 1},
		"deadbeef-65a0b0c0-ffffffffffffffff": {Node: 0xdeadbeef, Epoch: 0x65a0b0c0, Counter: 0xffffffffffffffff},
	} {
		assert.Equal(t, text, id.String())
		got, err := flow.ParseID(text)
		require.NoError(t, err)
		assert.Equal(t, id, got)
		assert.Equal(t, text == "", got.IsZero())
	}
	for _, text := range []string{"1", "1-2", "1-2-", "-1-2", "1-2-3-4", "g-1-1", "100000000-1-1", "1-1-10000000000000000", "1--1", "+1-1-1"} {
		_, err := flow.ParseID(text)
		assert.EqualError(t, err, `parse flow id `+strconv.Quote(text)+`: want node-epoch-counter in hexadecimal`)
	}
}

func TestEnumerationsPrintAndParse(t *testing.T) {
	check(t, flow.ParseReporter, "", "source", "destination", "forward")
	check(t, flow.ParseAction, "", "allow", "deny")
	check(t, flow.ParseEndpointType, "", "pod", "host", "service", "network_set", "network")
	check(t, flow.ParseScope, "", "loopback", "link_local", "private", "unique_local", "cgnat", "multicast", "public")
	_, err := flow.ParseAction("Allow")
	assert.EqualError(t, err, `unknown action "Allow": use one of ["allow" "deny"]`)
	assert.Equal(t, "200", flow.Action(200).String(), "a value from elsewhere is not hidden")
	assert.Equal(t, "200", flow.Role(200).String())
}

func check[E interface {
	~uint8
	String() string
}](t *testing.T, parse func(string) (E, error), names ...string) {
	t.Helper()
	for i, name := range names {
		got, err := parse(name)
		require.NoError(t, err)
		assert.Equal(t, E(i), got, name)
		assert.Equal(t, name, got.String())
	}
	_, err := parse("nonsense")
	assert.ErrorContains(t, err, `"nonsense"`)
}

func TestTransports(t *testing.T) {
	for n := range 256 {
		got, err := flow.ParseTransport(flow.Transport(n).String())
		require.NoError(t, err)
		assert.Equal(t, flow.Transport(n), got)
	}
	for text, want := range map[string]flow.Transport{"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58, "sctp": 132, "6": 6} {
		got, err := flow.ParseTransport(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, text := range []string{"TCP", "256", "-1"} {
		_, err := flow.ParseTransport(text)
		assert.ErrorContains(t, err, "use tcp, udp, icmp, ipv6-icmp, sctp or a protocol number")
	}
}

func TestNames(t *testing.T) {
	var unknown flow.Name
	assert.False(t, unknown.Known())
	assert.Empty(t, unknown.String())
	assert.True(t, flow.Intern("").Known())
	assert.NotEqual(t, unknown, flow.Intern(""))
	assert.Equal(t, unknown, flow.InternKnown(""))
	assert.Equal(t, flow.Intern("a"), flow.InternKnown("a"))
	assert.Equal(t, "a", flow.Intern("a").String())
}

func TestNetworkType(t *testing.T) {
	for _, test := range []struct{ source, destination, want string }{
		{"", "", ""},
		{"10.0.0.1", "", "ipv4"},
		{"", "::1", "ipv6"},
		{"::ffff:10.0.0.1", "::ffff:10.0.0.2", "ipv4"},
		{"2001:db8::1", "2001:db8::2", "ipv6"},
	} {
		var f flow.Flow
		if test.source != "" {
			f.Source.Address = addr(test.source)
		}
		if test.destination != "" {
			f.Destination.Address = addr(test.destination)
		}
		assert.Equal(t, test.want, f.NetworkType().String(), test)
	}
}

func TestValuesPrintAsAPersonWouldTypeThem(t *testing.T) {
	for want, v := range map[string]flow.Value{
		"":                               {},
		"x":                              {Type: flow.Keyword, Str: "x"},
		"2001:db8::1":                    {Type: flow.Address, Addr: addr("2001:db8:0::1")},
		"-5":                             {Type: flow.Integer, Int: -5},
		"true":                           {Type: flow.Boolean, Int: 1},
		"false":                          {Type: flow.Boolean},
		"2026-01-02T11:59:30.000000001Z": {Type: flow.Time, Int: 1767355170000000001},
		"a,b":                            {Type: flow.Keywords, List: []string{"a", "b"}},
		"a=1,b=":                         {Type: flow.Map, Map: flow.LabelsOfMap(map[string]string{"b": "", "a": "1"})},
	} {
		assert.Equal(t, want, v.String())
		assert.Equal(t, want != "", v.Present())
	}
}

func TestSetChecksTheType(t *testing.T) {
	var f flow.Flow
	port := flow.Flows.Lookup("source.port")
	require.NoError(t, port.Set(&f, flow.Value{Type: flow.Integer, Int: 80}))
	assert.EqualValues(t, 80, f.Source.Port)
	assert.EqualError(t, port.Set(&f, flow.Value{Type: flow.Keyword, Str: "80"}), "attribute source.port: want a value of type integer, got keyword")
	assert.EqualError(t, port.Set(&f, flow.Value{Type: flow.Integer, Int: 1 << 16}), "attribute source.port: 65536 is out of range")
	require.NoError(t, flow.Flows.Lookup("network.type").Set(&f, flow.Value{Type: flow.Keyword, Str: "ipv6"}), "derived: ignored")
	assert.Nil(t, flow.Flows.Lookup("nothing"))
}
