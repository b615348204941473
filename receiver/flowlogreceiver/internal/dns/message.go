package dns

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// maxRecords bounds the records of one answer that are looked at, and
	// maxAliases how many CNAMEs are followed.
	maxRecords = 512
	maxAliases = 16
	// maxName is the most bytes that a name has (RFC 1035).
	maxName = 253
)

// Code is how the server answered, by the header of an answer.
func Code(message []byte) dnsmessage.RCode {
	if len(message) < 4 {
		return dnsmessage.RCodeServerFailure
	}
	return dnsmessage.RCode(message[3] & 0xf)
}

// Answer is what is of use in an answer.
type Answer struct {
	// Name is what was asked for, as CleanName prints it, or "" if nothing was that
	// has addresses.
	Name string
	// Addresses are those of Name, also by way of aliases.
	Addresses []Address
}

// Address is one address of a name.
type Address struct {
	Addr netip.Addr
	// TTL is how long the answer holds, by the address and its aliases.
	TTL time.Duration
}

// alias is a CNAME record: a name that stands for another.
type alias struct {
	to  string
	ttl uint32
}

// Parse reads as much of an answer as makes sense: it may be cut, or come from
// somebody who wants to do harm. Records that do not follow from the question
// are passed over.
func Parse(message []byte) Answer {
	var p dnsmessage.Parser
	if _, err := p.Start(message); err != nil {
		return Answer{}
	}
	question, err := p.Question()
	if err != nil || question.Class != dnsmessage.ClassINET {
		return Answer{}
	}
	if _, err := p.Question(); !errors.Is(err, dnsmessage.ErrSectionDone) {
		return Answer{}
	}
	answer := Answer{Name: CleanName(question.Name.Data[:question.Name.Length])}
	if answer.Name == "" {
		return answer
	}
	addresses, aliases := records(&p)
	name, ttl := answer.Name, ^uint32(0)
	for range maxAliases {
		for _, a := range addresses[name] {
			answer.Addresses = append(answer.Addresses, Address{a.Addr, min(a.TTL, seconds(ttl))})
		}
		delete(addresses, name) // aliases may go in a circle
		next, ok := aliases[name]
		if !ok {
			break
		}
		name, ttl = next.to, min(ttl, next.ttl)
	}
	return answer
}

// records reads the answers: the addresses and the aliases of each name.
func records(p *dnsmessage.Parser) (map[string][]Address, map[string]alias) {
	addresses, aliases := make(map[string][]Address), make(map[string]alias)
	for range maxRecords {
		header, err := p.AnswerHeader()
		if err != nil {
			break
		}
		owner := CleanName(header.Name.Data[:header.Name.Length])
		switch {
		case header.Class != dnsmessage.ClassINET || owner == "":
			err = p.SkipAnswer()
		case header.Type == dnsmessage.TypeA:
			var a dnsmessage.AResource
			if a, err = p.AResource(); err == nil {
				addresses[owner] = append(addresses[owner], Address{netip.AddrFrom4(a.A), seconds(header.TTL)})
			}
		case header.Type == dnsmessage.TypeAAAA:
			var a dnsmessage.AAAAResource
			if a, err = p.AAAAResource(); err == nil {
				addresses[owner] = append(addresses[owner], Address{netip.AddrFrom16(a.AAAA).Unmap(), seconds(header.TTL)})
			}
		case header.Type == dnsmessage.TypeCNAME:
			var c dnsmessage.CNAMEResource
			if c, err = p.CNAMEResource(); err == nil {
				aliases[owner] = alias{CleanName(c.CNAME.Data[:c.CNAME.Length]), header.TTL}
			}
		default:
			err = p.SkipAnswer()
		}
		if err != nil {
			break
		}
	}
	return addresses, aliases
}

func seconds(ttl uint32) time.Duration { return time.Duration(ttl) * time.Second }

// CleanName prints a name as it goes into records: without the dot at its end, in
// lower case, for names differ in that by accident and by intent (0x20), and
// with \DDD for what is no printable ASCII. It is "" for the root, and for what is
// longer than a name can be.
func CleanName(name []byte) string {
	if n := len(name); n > 0 && name[n-1] == '.' {
		name = name[:n-1]
	}
	if len(name) > maxName {
		return ""
	}
	var b strings.Builder
	b.Grow(len(name))
	for _, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case c <= ' ' || c >= 0x7f || c == '\\':
			b.WriteByte('\\')
			b.WriteByte('0' + c/100)
			b.WriteByte('0' + c/10%10)
			b.WriteByte('0' + c%10)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
