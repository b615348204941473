package rules

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// packet is the first of a connection.
type packet struct {
	source, destination netip.Addr
	protocol            string
	port                uint16
}

// evaluate tells whether a script lets the packet through. It knows of the language
// of nft what the scripts use, and fails the test over anything else.
func evaluate(t *testing.T, script string, p packet) bool {
	t.Helper()
	e := evaluation{t: t, packet: p, chains: map[string][]string{}}
	var current string
	var rule []string
	for line := range strings.Lines(script) {
		words := strings.Fields(line)
		switch {
		case words[0] == "chain":
			current = words[1]
			e.chains[current] = nil // a policy may let nothing through
		case current != "" && len(rule) == 0 && words[0] == "}":
			current = ""
		case current != "":
			rule = append(rule, words...)
			if joined := strings.Join(rule, " "); strings.Count(joined, "{") == strings.Count(joined, "}") {
				e.chains[current] = append(e.chains[current], joined)
				rule = nil
			}
		}
	}
	for _, base := range []string{"egress", "ingress"} {
		if e.chain(base) == "drop" {
			return false
		}
	}
	return true
}

type evaluation struct {
	t      *testing.T
	chains map[string][]string
	packet packet
	words  []string // of a rule that are left
}

// chain returns accept or drop, or nothing when no rule decides.
func (e *evaluation) chain(name string) string {
	e.t.Helper()
	rules, ok := e.chains[name]
	if !ok {
		e.t.Fatalf("no chain %s", name)
	}
	for _, rule := range rules {
		e.words = strings.Fields(rule)
		if verdict := e.rule(); verdict != "" {
			return verdict
		}
	}
	return ""
}

func (e *evaluation) rule() string {
	e.t.Helper()
	all := strings.Join(e.words, " ")
	for len(e.words) > 0 {
		holds := true
		switch word := e.next(); word {
		case "accept", "drop":
			return word
		case "jump":
			return e.chain(e.next())
		case "counter":
		case "type", "ct", "icmpv6": // settings, and packets that are not the first of a connection
			return ""
		case "meta":
			e.expect("l4proto")
			holds = e.next() == e.packet.protocol
		case "tcp", "udp", "sctp":
			e.expect("dport")
			holds = e.in(strconv.Itoa(int(e.packet.port))) && word == e.packet.protocol
		case "ip", "ip6":
			if !e.fits(word) {
				return ""
			}
			address := e.address(e.next())
			if e.words[0] == "vmap" {
				return e.vmap(address.String())
			}
			holds = e.in(e.tuple(address))
		default:
			e.t.Fatalf("%q of the rule %q is unknown", word, all)
		}
		if !holds {
			return ""
		}
	}
	return ""
}

func (e *evaluation) next() string {
	word := e.words[0]
	e.words = e.words[1:]
	return word
}

func (e *evaluation) expect(word string) {
	e.t.Helper()
	if got := e.next(); got != word {
		e.t.Fatalf("got %q, want %q", got, word)
	}
}

func (e *evaluation) fits(family string) bool {
	return familyOf(e.packet.destination).String() == family
}

func (e *evaluation) address(field string) netip.Addr {
	e.t.Helper()
	switch field {
	case "saddr":
		return e.packet.source
	case "daddr":
		return e.packet.destination
	}
	e.t.Fatalf("field %q is unknown", field)
	return netip.Addr{}
}

// tuple is the address, with the port if the rule asks for both.
func (e *evaluation) tuple(a netip.Addr) string {
	e.t.Helper()
	if e.words[0] != "." {
		return a.String()
	}
	e.expect(".")
	protocol := e.next()
	e.expect("dport")
	if protocol != e.packet.protocol {
		return ""
	}
	return a.String() + " . " + strconv.Itoa(int(e.packet.port))
}

// in reads a set or a single value and tells whether the value is in it, or not in
// it after "!=".
func (e *evaluation) in(value string) bool {
	e.t.Helper()
	negated := e.words[0] == "!="
	if negated {
		e.next()
	}
	elements := []string{e.words[0]}
	if e.next() == "{" {
		elements = e.elements()
	}
	return negated != slices.ContainsFunc(elements, func(element string) bool { return covers(e.t, element, value) })
}

// elements reads up to the end of a set.
func (e *evaluation) elements() []string {
	end := slices.Index(e.words, "}")
	inside := strings.TrimSuffix(strings.Join(e.words[:end], " "), ",")
	e.words = e.words[end+1:]
	return strings.Split(inside, ", ")
}

// covers tells whether an element, which may be a prefix or a range of ports, holds
// the value.
func covers(t *testing.T, element, value string) bool {
	t.Helper()
	if prefix, err := netip.ParsePrefix(element); err == nil {
		a, err := netip.ParseAddr(value)
		return err == nil && prefix.Contains(a)
	}
	first, last, isRange := strings.Cut(element, "-")
	if !isRange {
		return element == value
	}
	var numbers [3]int
	for i, text := range []string{first, value, last} {
		var err error
		if numbers[i], err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return numbers[0] <= numbers[1] && numbers[1] <= numbers[2]
}

func (e *evaluation) vmap(key string) string {
	e.t.Helper()
	e.expect("vmap")
	e.expect("{")
	for _, element := range e.elements() {
		if k, verdict, _ := strings.Cut(element, " : "); k == key {
			return e.chain(strings.TrimPrefix(verdict, "jump "))
		}
	}
	return ""
}
