package flow

import (
	"fmt"
	"strconv"
)

// Reporter tells which end of the flow made the record.
type Reporter uint8

// The reporters. Forward is a node that only passed the traffic on.
const (
	ReporterUnknown Reporter = iota
	ReporterSource
	ReporterDestination
	ReporterForward
)

var reporterNames = [...]string{"", "source", "destination", "forward"}

func (r Reporter) String() string { return nameOf(reporterNames[:], r) }

// ParseReporter is the inverse of String.
func ParseReporter(s string) (Reporter, error) {
	return parseName[Reporter]("reporter", reporterNames[:], s)
}

// Action is what the kernel did with the flow.
type Action uint8

// The actions.
const (
	ActionUnknown Action = iota
	Allow
	Deny
)

var actionNames = [...]string{"", "allow", "deny"}

func (a Action) String() string { return nameOf(actionNames[:], a) }

// ParseAction is the inverse of String.
func ParseAction(s string) (Action, error) { return parseName[Action]("action", actionNames[:], s) }

// DenyClass tells in plain words why a flow was refused.
type DenyClass uint8

// The classes. A PolicyDrop is silent; at a Reject the source is told.
// Unreachable means that there is no way to the destination, Buffer that there
// was no room, Invalid that the packets were not well formed. OtherFailure is for what
// the kernel gives another reason for.
const (
	DenyClassUnknown DenyClass = iota
	PolicyDrop
	Reject
	NoListener
	Timeout
	Unreachable
	Buffer
	Invalid
	OtherFailure
)

var denyClassNames = [...]string{"", "policy_drop", "reject", "no_listener", "timeout", "unreachable", "buffer", "invalid", "other"}

func (c DenyClass) String() string { return nameOf(denyClassNames[:], c) }

// ParseDenyClass is the inverse of String.
func ParseDenyClass(s string) (DenyClass, error) {
	return parseName[DenyClass]("class of denial", denyClassNames[:], s)
}

// EndpointType tells what stands at an end of a flow.
type EndpointType uint8

// The endpoint types. Host is the machine itself or one of its processes,
// Network is everything that no better name is known for.
const (
	EndpointUnknown EndpointType = iota
	EndpointPod
	EndpointHost
	EndpointService
	EndpointNetworkSet
	EndpointNetwork
)

var endpointTypeNames = [...]string{"", "pod", "host", "service", "network_set", "network"}

func (t EndpointType) String() string { return nameOf(endpointTypeNames[:], t) }

// ParseEndpointType is the inverse of String.
func ParseEndpointType(s string) (EndpointType, error) {
	return parseName[EndpointType]("endpoint type", endpointTypeNames[:], s)
}

// IPVersion is the version of the internet protocol.
type IPVersion uint8

// The versions.
const (
	IPVersionUnknown IPVersion = iota
	IPv4
	IPv6
)

var ipVersionNames = [...]string{"", "ipv4", "ipv6"}

func (v IPVersion) String() string { return nameOf(ipVersionNames[:], v) }

// ParseIPVersion is the inverse of String.
func ParseIPVersion(s string) (IPVersion, error) {
	return parseName[IPVersion]("IP version", ipVersionNames[:], s)
}

// Transport is an IP protocol number as IANA assigns them.
type Transport uint8

// The transports that have a name here; any other prints as its number.
const (
	TransportICMP   Transport = 1
	TransportTCP    Transport = 6
	TransportUDP    Transport = 17
	TransportICMPv6 Transport = 58
	TransportSCTP   Transport = 132
)

func (t Transport) String() string {
	switch t {
	case 0:
		return ""
	case TransportICMP:
		return "icmp"
	case TransportTCP:
		return "tcp"
	case TransportUDP:
		return "udp"
	case TransportICMPv6:
		return "ipv6-icmp"
	case TransportSCTP:
		return "sctp"
	default:
		return strconv.Itoa(int(t))
	}
}

// ParseTransport is the inverse of String; it takes a name or a number.
func ParseTransport(s string) (Transport, error) {
	switch s {
	case "":
		return 0, nil
	case "icmp":
		return TransportICMP, nil
	case "tcp":
		return TransportTCP, nil
	case "udp":
		return TransportUDP, nil
	case "ipv6-icmp":
		return TransportICMPv6, nil
	case "sctp":
		return TransportSCTP, nil
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("unknown transport %q: use tcp, udp, icmp, ipv6-icmp, sctp or a protocol number", s)
	}
	return Transport(n), nil
}

func nameOf[E ~uint8](names []string, e E) string {
	if int(e) < len(names) {
		return names[e]
	}
	return strconv.Itoa(int(e))
}

func parseName[E ~uint8](what string, names []string, s string) (E, error) {
	for i, name := range names {
		if name == s {
			return E(i), nil
		}
	}
	return 0, fmt.Errorf("unknown %s %q: use one of %q", what, s, names[1:])
}
