package dns

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const second = int64(time.Second)

var (
	a1 = netip.MustParseAddr("192.0.2.1")
	a2 = netip.MustParseAddr("192.0.2.2")
	a6 = netip.MustParseAddr("2001:db8::1")
)

func wire(s string) dnsmessage.Name { return dnsmessage.MustNewName(s) }

// record is one answer: to an address, or to another name.
func record(t testing.TB, owner string, ttl uint32, to string) dnsmessage.Resource {
	t.Helper()
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: wire(owner), Class: dnsmessage.ClassINET, TTL: ttl}}
	addr, err := netip.ParseAddr(to)
	switch {
	case err != nil:
		r.Body = &dnsmessage.CNAMEResource{CNAME: wire(to)}
	case addr.Is4():
		r.Body = &dnsmessage.AResource{A: addr.As4()}
	default:
		r.Body = &dnsmessage.AAAAResource{AAAA: addr.As16()}
	}
	return r
}

func packed(t testing.TB, code dnsmessage.RCode, question string, answers ...dnsmessage.Resource) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true, RCode: code}, Answers: answers}
	if question != "" {
		m.Questions = []dnsmessage.Question{{Name: wire(question), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}
	}
	data, err := m.Pack()
	require.NoError(t, err)
	return data
}

func ttl(addr netip.Addr, n int) Address { return Address{addr, time.Duration(n) * time.Second} }

func TestParse(t *testing.T) {
	other := record(t, "example.com.", 60, "192.0.2.1")
	other.Header.Class = dnsmessage.ClassCHAOS
	for name, test := range map[string]struct {
		message []byte
		want    Answer
	}{
		"addresses": {
			packed(t, 0, "Example.COM.", record(t, "example.com.", 60, "192.0.2.1"), record(t, "eXample.com.", 30, "192.0.2.2"), record(t, "example.com.", 5, "2001:db8::1")),
			Answer{Name: "example.com", Addresses: []Address{ttl(a1, 60), ttl(a2, 30), ttl(a6, 5)}},
		},
		"by way of aliases, in any order": {
			packed(t, 0, "www.example.com.", record(t, "host.example.net.", 300, "192.0.2.1"), record(t, "cdn.example.net.", 20, "host.example.net."), record(t, "www.example.com.", 60, "cdn.example.net.")),
			Answer{Name: "www.example.com", Addresses: []Address{ttl(a1, 20)}},
		},
		"what was not asked for": {packed(t, 0, "example.com.", record(t, "bank.example.", 60, "192.0.2.1")), Answer{Name: "example.com"}},
		"a circle": {
			packed(t, 0, "a.example.", record(t, "a.example.", 60, "b.example."), record(t, "b.example.", 60, "a.example."), record(t, "b.example.", 60, "192.0.2.1")),
			Answer{Name: "a.example", Addresses: []Address{ttl(a1, 60)}},
		},
		"another class":          {packed(t, 0, "example.com.", other), Answer{Name: "example.com"}},
		"no such name":           {packed(t, dnsmessage.RCodeNameError, "example.com."), Answer{Name: "example.com"}},
		"no question":            {packed(t, dnsmessage.RCodeRefused, ""), Answer{}},
		"the root":               {packed(t, 0, ".", record(t, ".", 60, "192.0.2.1")), Answer{}},
		"nothing":                {nil, Answer{}},
		"mapped addresses":       {packed(t, 0, "example.com.", record(t, "example.com.", 60, "::ffff:192.0.2.1")), Answer{Name: "example.com", Addresses: []Address{ttl(a1, 60)}}},
		"a name with any bytes":  {packed(t, 0, "a\n\\\x80\x00.example.", record(t, "a\n\\\x80\x00.example.", 60, "192.0.2.1")), Answer{Name: `a\010\092\128\000.example`, Addresses: []Address{ttl(a1, 60)}}},
		"a record of other type": {packed(t, 0, "example.com.", dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: wire("example.com."), Class: dnsmessage.ClassINET}, Body: &dnsmessage.TXTResource{TXT: []string{"x"}}}, record(t, "example.com.", 60, "192.0.2.1")), Answer{Name: "example.com", Addresses: []Address{ttl(a1, 60)}}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, Parse(test.message)) })
	}
}

func TestCode(t *testing.T) {
	require.Equal(t, dnsmessage.RCodeRefused, Code(packed(t, dnsmessage.RCodeRefused, "example.com.")))
	require.Equal(t, dnsmessage.RCodeServerFailure, Code([]byte{1, 2, 3}), "nothing that answers")
}

// Of an answer that is cut anywhere, what came before the cut is read.
func TestParseOfACutAnswer(t *testing.T) {
	whole := packed(t, 0, "example.com.", record(t, "example.com.", 60, "192.0.2.1"), record(t, "example.com.", 60, "192.0.2.2"))
	before := 0
	for n := range len(whole) + 1 {
		got := Parse(whole[:n])
		require.GreaterOrEqual(t, len(got.Addresses), before, "%d bytes", n)
		before = len(got.Addresses)
	}
	require.Equal(t, 2, before)
}

func FuzzParse(f *testing.F) {
	f.Add(packed(f, 0, "www.example.com.", record(f, "www.example.com.", 60, "cdn.example.net."), record(f, "cdn.example.net.", 20, "192.0.2.1"), record(f, "cdn.example.net.", 20, "2001:db8::1")))
	f.Add(packed(f, dnsmessage.RCodeNameError, "example.com."))
	f.Add([]byte("\x00\x01\x80\x00\x00\x01\x00\x01\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\xff\xff\xff\xff\x00\x04\x01\x02\x03\x04"))
	f.Fuzz(func(t *testing.T, data []byte) {
		answer := Parse(data)
		names := NewNames(4, time.Minute)
		for _, a := range answer.Addresses {
			if !a.Addr.IsValid() || a.Addr.Is4In6() || a.TTL < 0 {
				t.Errorf("address %v", a)
			}
			names.Learn(1, flow.InternKnown(answer.Name), a, second)
		}
		if len(answer.Addresses) > maxRecords || answer.Name == "" && len(answer.Addresses) > 0 || names.Len() > 4 {
			t.Errorf("%d addresses of %q", len(answer.Addresses), answer.Name)
		}
		if len(answer.Name) > 4*maxName || strings.ContainsFunc(answer.Name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r >= 'A' && r <= 'Z' }) {
			t.Errorf("name %q", answer.Name)
		}
	})
}

func of(names ...string) flow.NameSet {
	var list []flow.Name
	for _, s := range names {
		list = append(list, flow.Intern(s))
	}
	return flow.NameSetOf(list...)
}

func TestNamesHoldFromTheAnswerToTheirEnd(t *testing.T) {
	n := NewNames(10, time.Minute)
	learn := func(name string, ttl time.Duration, at int64) { n.Learn(1, flow.Intern(name), Address{a1, ttl}, at) }
	learn("short", 0, 100*second)
	learn("long", 5*time.Minute, 110*second)
	learn("forever", 1000*time.Hour, 120*second)
	for at, want := range map[int64]flow.NameSet{
		99: of(), 100: of("short"), 119: of("short", "long"), 159: of("short", "long", "forever"), 160: of("long", "forever"),
		409: of("long", "forever"), 410: of("forever"), 3719: of("forever"), 3720: of(),
	} {
		require.Equal(t, want.Strings(), n.Of(1, a1, at*second).Strings(), at)
	}
	require.True(t, n.Of(2, a1, 120*second).Empty(), "another network namespace")
	require.True(t, n.Of(1, a2, 120*second).Empty(), "another address")

	learn("short", 0, 150*second)
	require.Equal(t, of("short", "long", "forever"), n.Of(1, a1, 200*second), "asked again in time, it holds on")
	require.Equal(t, of("short"), n.Of(1, a1, 105*second), "from the first time")
	learn("short", 0, 300*second)
	require.Equal(t, of("long", "forever"), n.Of(1, a1, 250*second), "asked again too late, it begins anew")

	n.Forget(3719 * second)
	require.Equal(t, 1, n.Len())
	n.Forget(3720 * second)
	require.Zero(t, n.Len())
}

func TestNamesAreBounded(t *testing.T) {
	n := NewNames(2, time.Minute)
	for i, name := range []string{"a", "b", "c", "d", "e", "d"} {
		n.Learn(1, flow.Intern(name), ttl(a1, 60), int64(i+1)*second)
	}
	require.Equal(t, of("b", "c", "d", "e"), n.Of(1, a1, 6*second), "the last ones of an address")
	n.Learn(1, flow.Intern("x"), ttl(a2, 60), 7*second)
	n.Learn(1, flow.Intern("e"), ttl(a1, 60), 8*second)
	n.Learn(1, flow.Intern("y"), ttl(a6, 60), 9*second)
	require.Equal(t, 2, n.Len())
	require.Equal(t, uint64(1), n.Evicted())
	require.True(t, n.Of(1, a2, 9*second).Empty(), "looked up longest ago")
	require.False(t, n.Of(1, a1, 9*second).Empty())
}

var talk = Conversation{NetNS: 1, Client: netip.MustParseAddrPort("192.0.2.1:40000"), Server: netip.MustParseAddrPort("192.0.2.53:53")}

// asking is a query of the socket of talk.
func asking(id int) Query { return Query{Socket: uint64(1 + id>>16), ID: uint16(id)} }

func TestLookupsAreCounted(t *testing.T) {
	l := NewLookups(time.Minute)
	for id, code := range []dnsmessage.RCode{0, dnsmessage.RCodeNameError, dnsmessage.RCodeServerFailure, dnsmessage.RCodeRefused, dnsmessage.RCodeNotImplemented} {
		l.Query(talk, asking(id), second)
		require.True(t, l.Response(asking(id), second+int64(id+1)*1_000_000, code))
	}
	require.False(t, l.Response(asking(0), 2*second, 0), "answered already")
	require.False(t, l.Response(asking(99), 2*second, 0), "never asked")
	require.Equal(t, flow.DNS{
		Queries: 5, Responses: 5, NXDomain: 1, ServFail: 1, Refused: 1, OtherErrors: 1, LatencySum: 15_000, LatencyMax: 5_000,
	}, l.Take(talk, false))
	require.Equal(t, flow.DNS{}, l.Take(talk, false), "once")
	require.Empty(t, l.counts)
	require.Empty(t, l.waiting)
}

func TestQueriesTimeOut(t *testing.T) {
	l := NewLookups(time.Minute)
	l.Query(talk, asking(1), second)
	l.Query(talk, asking(2), 2*second)
	l.Expire(6 * second)
	require.Equal(t, flow.DNS{Queries: 2}, l.Take(talk, false))
	l.Expire(7 * second)
	require.Equal(t, flow.DNS{Timeouts: 1}, l.Take(talk, false))
	require.False(t, l.Response(asking(1), 7*second, 0), "too late")
	l.Query(talk, asking(9), second)
	require.False(t, l.Response(asking(9), 7*second, 0), "too late, and noticed by that")
	require.Equal(t, flow.DNS{Queries: 1, Timeouts: 1}, l.Take(talk, false))
	l.Query(talk, asking(2), 7*second)
	require.Equal(t, flow.DNS{Queries: 1, Timeouts: 1}, l.Take(talk, false), "asked again")
	l.Query(talk, asking(3), 8*second)
	require.Equal(t, flow.DNS{Queries: 1, Timeouts: 2}, l.Take(talk, true), "the flow has ended")

	// Another conversation of the same ends knows nothing of the old one's queries.
	l.Query(talk, asking(2), 9*second)
	require.Equal(t, flow.DNS{Queries: 1}, l.Take(talk, false))
	require.True(t, l.Response(asking(2), 10*second, 0))
	require.Equal(t, uint64(1), l.Take(talk, true).Responses)
	l.Expire(10 * second)
	require.Empty(t, l.waiting)
	require.Empty(t, l.counts)
}

func TestCountsThatNobodyTakesGo(t *testing.T) {
	l := NewLookups(time.Minute)
	l.Query(talk, asking(1), second)
	l.Expire(7 * second)
	l.Expire(66 * second)
	require.Len(t, l.counts, 1)
	l.Expire(68 * second)
	require.Empty(t, l.counts)
}

func TestLookupsAreBounded(t *testing.T) {
	l := NewLookups(time.Minute)
	for i := range maxWaiting + 10 {
		c := talk
		c.NetNS = uint32(i % 3)
		l.Query(c, asking(i), second)
	}
	require.LessOrEqual(t, len(l.waiting), maxWaiting)
	require.Equal(t, uint64(10), l.Lost())

	l = NewLookups(time.Minute)
	for i := range maxConversations + 10 {
		c := talk
		c.NetNS = uint32(i)
		l.Query(c, asking(i), second)
		require.True(t, l.Response(asking(i), second, 0), "it still tells names")
	}
	require.Equal(t, maxConversations, len(l.counts))
	require.Equal(t, uint64(10), l.Lost())
}

// Queries are answered, timed out or wait, whatever happens in whatever order.
func TestEveryQueryIsCountedOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	other := talk
	other.Server = netip.MustParseAddrPort("192.0.2.54:53")
	talks := []Conversation{talk, other}
	for range 200 {
		l := NewLookups(time.Hour)
		var sum flow.DNS
		now := second
		for range 300 {
			now += r.Int64N(second)
			// A socket that is connected anew goes on with the same numbers.
			with := talks[r.IntN(len(talks))]
			switch q := asking(r.IntN(5)); r.IntN(6) {
			case 0, 1:
				l.Query(with, q, now)
			case 2, 3:
				l.Response(q, now, dnsmessage.RCode(r.IntN(7)))
			case 4:
				l.Expire(now)
			default:
				taken := l.Take(with, r.IntN(3) == 0)
				sum.Merge(&taken)
			}
		}
		for _, with := range talks {
			last := l.Take(with, true)
			sum.Merge(&last)
		}
		require.Equal(t, sum.Queries, sum.Responses+sum.Timeouts)
		require.LessOrEqual(t, sum.NXDomain+sum.ServFail+sum.Refused+sum.OtherErrors, sum.Responses)
		l.Expire(now)
		require.Empty(t, l.waiting)
		require.Empty(t, l.counts)
	}
}

// BenchmarkAnswer is what one answer costs, from its bytes to the names.
func BenchmarkAnswer(b *testing.B) {
	message := packed(b, 0, "www.example.com.", record(b, "www.example.com.", 60, "cdn.example.net."), record(b, "cdn.example.net.", 20, "192.0.2.1"), record(b, "cdn.example.net.", 20, "192.0.2.2"))
	names, lookups := NewNames(16384, time.Minute), NewLookups(time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		lookups.Query(talk, asking(1), second)
		lookups.Response(asking(1), second, Code(message))
		answer := Parse(message)
		for _, a := range answer.Addresses {
			names.Learn(1, flow.Intern(answer.Name), a, second)
		}
	}
}
