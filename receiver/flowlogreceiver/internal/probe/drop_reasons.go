//go:build linux

package probe

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

const (
	// maxDropReasons bounds the numbers of the kernel's reasons; those of its
	// subsystems, such as mac80211, are larger, and not about flows.
	maxDropReasons = 256

	dropReasonPrefix = "SKB_DROP_REASON_"

	denies    = bpf.DropsDropRuleDROP_COUNT
	byRoute   = bpf.DropsDropRuleDROP_BY_ROUTE
	inSocket  = bpf.DropsDropRuleDROP_IN_SOCKET
	synOnly   = bpf.DropsDropRuleDROP_SYN_ONLY
	withRoute = bpf.DropsDropRuleDROP_WITH_ROUTE

	atSource      = bpf.DropsDropFlagDROP_FLAG_AT_SOURCE
	atDestination = bpf.DropsDropFlagDROP_FLAG_AT_DESTINATION
	rejected      = bpf.DropsDropFlagDROP_FLAG_REJECTED
	ofOwnSocket   = bpf.DropsDropFlagDROP_FLAG_OWN
)

// dropReasonRules lists the reasons that deny a flow, by the name of enum
// skb_drop_reason without its prefix. Everything else is left out: what happens to
// every connection at its end (QUEUE_PURGE), copies and stragglers that TCP has no
// use for, and frames that are not for this machine.
var dropReasonRules = map[string]struct {
	class flow.DenyClass
	rule  bpf.DropsDropRule
}{
	"NETFILTER_DROP":    {flow.PolicyDrop, denies},
	"BPF_CGROUP_EGRESS": {flow.PolicyDrop, denies},
	"TC_INGRESS":        {flow.PolicyDrop, denies},
	"TC_EGRESS":         {flow.PolicyDrop, denies},
	"XDP":               {flow.PolicyDrop, denies},
	"XFRM_POLICY":       {flow.PolicyDrop, denies},
	"SECURITY_HOOK":     {flow.PolicyDrop, denies},
	"SOCKET_FILTER":     {flow.PolicyDrop, denies | inSocket},
	"TCP_MINTTL":        {flow.PolicyDrop, denies | inSocket},
	"IP_RPFILTER":       {flow.PolicyDrop, denies},
	"IP_LOCAL_SOURCE":   {flow.PolicyDrop, denies},
	"IP_LOCALNET":       {flow.PolicyDrop, denies},

	"NO_SOCKET":  {flow.NoListener, denies | synOnly},
	"IP_NOPROTO": {flow.NoListener, denies},

	"NOT_SPECIFIED":    {flow.Unreachable, denies | byRoute},
	"IP_INNOROUTES":    {flow.Unreachable, denies | withRoute},
	"IP_OUTNOROUTES":   {flow.Unreachable, denies | withRoute},
	"IP_INADDRERRORS":  {flow.Unreachable, denies},
	"IP_INVALID_DEST":  {flow.Unreachable, denies},
	"IPV6DISABLED":     {flow.Unreachable, denies},
	"NEIGH_CREATEFAIL": {flow.Unreachable, denies},
	"NEIGH_FAILED":     {flow.Unreachable, denies},
	"NEIGH_DEAD":       {flow.Unreachable, denies},
	"PKT_TOO_BIG":      {flow.Unreachable, denies},
	"DEV_READY":        {flow.Unreachable, denies},

	"SOCKET_RCVBUFF":      {flow.Buffer, denies | inSocket},
	"SOCKET_BACKLOG":      {flow.Buffer, denies | inSocket},
	"PROTO_MEM":           {flow.Buffer, denies | inSocket},
	"TCP_LISTEN_OVERFLOW": {flow.Buffer, denies | inSocket},
	"NEIGH_QUEUEFULL":     {flow.Buffer, denies},
	"QDISC_DROP":          {flow.Buffer, denies},
	"QDISC_OVERLIMIT":     {flow.Buffer, denies},
	"QDISC_CONGESTED":     {flow.Buffer, denies},
	"CAKE_FLOOD":          {flow.Buffer, denies},
	"FQ_BAND_LIMIT":       {flow.Buffer, denies},
	"FQ_HORIZON_LIMIT":    {flow.Buffer, denies},
	"FQ_FLOW_LIMIT":       {flow.Buffer, denies},
	"CPU_BACKLOG":         {flow.Buffer, denies},
	"FULL_RING":           {flow.Buffer, denies},
	"NOMEM":               {flow.Buffer, denies},

	"IP_CSUM":            {flow.Invalid, denies},
	"IP_INHDR":           {flow.Invalid, denies},
	"IP_INVALID_SOURCE":  {flow.Invalid, denies},
	"IPV6_BAD_EXTHDR":    {flow.Invalid, denies},
	"SKB_CSUM":           {flow.Invalid, denies},
	"TCP_CSUM":           {flow.Invalid, denies},
	"UDP_CSUM":           {flow.Invalid, denies},
	"TCP_AUTH_HDR":       {flow.Invalid, denies | inSocket},
	"TCP_MD5NOTFOUND":    {flow.Invalid, denies | inSocket},
	"TCP_MD5UNEXPECTED":  {flow.Invalid, denies | inSocket},
	"TCP_MD5FAILURE":     {flow.Invalid, denies | inSocket},
	"TCP_AONOTFOUND":     {flow.Invalid, denies | inSocket},
	"TCP_AOUNEXPECTED":   {flow.Invalid, denies | inSocket},
	"TCP_AOKEYNOTFOUND":  {flow.Invalid, denies | inSocket},
	"TCP_AOFAILURE":      {flow.Invalid, denies | inSocket},
	"FRAG_REASM_TIMEOUT": {flow.Invalid, denies},
}

// dropReason is what one of the running kernel's numbers means.
type dropReason struct {
	name  string // for example "netfilter_drop"
	class flow.DenyClass
	rule  bpf.DropsDropRule // 0: not a denial
}

// dropReasons are the running kernel's, by number.
type dropReasons [maxDropReasons]dropReason

// readDropReasons reads the kernel's numbers from its type information.
func readDropReasons() (reasons dropReasons, err error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return reasons, fmt.Errorf("read the kernel's drop reasons: %w", err)
	}
	var enum *btf.Enum
	if err := kernel.TypeByName("skb_drop_reason", &enum); err != nil {
		return reasons, fmt.Errorf("read the kernel's drop reasons: %w", err)
	}
	for _, value := range enum.Values {
		name, ok := strings.CutPrefix(value.Name, dropReasonPrefix)
		rule, known := dropReasonRules[name]
		if !ok || !known || value.Value >= maxDropReasons {
			continue
		}
		reasons[value.Value] = dropReason{strings.ToLower(name), rule.class, rule.rule}
	}
	if reasons == (dropReasons{}) {
		return reasons, errors.New("read the kernel's drop reasons: none of them is known")
	}
	return reasons, nil
}

// rules is the programs' form of r.
func (r *dropReasons) rules() (rules [maxDropReasons]bpf.DropsDropRule) {
	for i := range r {
		rules[i] = r[i].rule
	}
	return rules
}

// event tells of one flow that packets were dropped of.
func (r *dropReasons) event(key *bpf.DropsDropKey, dropped *bpf.DropsDropFlow) Event {
	e := Event{
		Kind: Dropped, Time: int64(dropped.Last), Since: int64(dropped.First), Cgroup: dropped.Cgroup,
		Local: knownAddrPort(key.Source, key.SourcePort), Remote: knownAddrPort(key.Destination, key.DestinationPort),
		Original: knownAddrPort(dropped.Original, dropped.OriginalPort),
		NetNS:    key.Netns, PID: dropped.Pid, Exe: dropped.Exe,
		Transport: flow.Transport(key.Protocol), ICMP: flow.ICMP{Type: key.IcmpType, Code: key.IcmpCode},
		Drop: r.drop(key, dropped),
	}
	if key.Reply == 0 {
		e.SentPackets, e.SentBytes, e.SentPayload = uint32(dropped.Packets), dropped.Bytes, dropped.Payload
	} else {
		e.ReceivedPackets, e.ReceivedBytes, e.ReceivedPayload = uint32(dropped.Packets), dropped.Bytes, dropped.Payload
	}
	switch {
	case dropped.Flags&(atSource|atDestination) == 0:
		e.Reporter = flow.ReporterForward
	case (dropped.Flags&atSource != 0) == (key.Reply == 0): // else the packet's source is the flow's destination
		e.Reporter = flow.ReporterSource
	default:
		e.Reporter = flow.ReporterDestination
	}
	return e
}

func (r *dropReasons) drop(key *bpf.DropsDropKey, dropped *bpf.DropsDropFlow) *Drop {
	reason := r[key.Reason]
	drop := &Drop{
		Reason: reason.name, Class: reason.class, Errno: syscall.Errno(key.Error),
		Interface: unix.ByteSliceToString(dropped.Interface[:]),
	}
	if reason.class == flow.PolicyDrop && dropped.Flags&rejected != 0 {
		drop.Class = flow.Reject
	}
	return drop
}
