package flow

import "net/netip"

// The event names of the three kinds of log record.
const (
	EventFlow  = "network.flow"
	EventLoss  = "network.flow.loss"
	EventAgent = "network.flow.agent"
)

// Flows is the registry of a flow record's attributes.
var Flows = newRegistry(concat(
	observerFields(func(f *Flow) *Observer { return &f.Observer }),
	recordFields(),
	networkFields(),
	endpointFields("source", "initiated the connection", "its own, where the destination sees another", func(f *Flow) *Endpoint { return &f.Source },
		calicoEnd{"source_ip", "source_port", "source_type", "original_source_ips"}),
	kubernetesFields("source", func(f *Flow) *Endpoint { return &f.Source },
		calicoKubernetes{"source_namespace", "source_name", "source_name_aggr", "source_labels"}),
	endpointFields("destination", "accepted it", "what the source asked for, such as a service", func(f *Flow) *Endpoint { return &f.Destination },
		calicoEnd{"dest_ip", "dest_port", "dest_type", ""}),
	kubernetesFields("destination", func(f *Flow) *Endpoint { return &f.Destination },
		calicoKubernetes{"dest_namespace", "dest_name", "dest_name_aggr", "dest_labels"}),
	serviceFields(),
	[]Field[Flow]{domainField()},
	processFields(),
	connectionFields(),
	tcpFields(),
	dnsFields(),
	aggregationFields(),
)...)

func concat[T any](groups ...[]Field[T]) []Field[T] {
	var all []Field[T]
	for _, group := range groups {
		all = append(all, group...)
	}
	return all
}

func observerFields[T any](observer func(*T) *Observer) []Field[T] {
	return []Field[T]{
		keyword(Attribute{
			Name: "host.name", Role: Dimension, Elastic: "keyword", ECS: "host.name", Calico: "host", Resource: true,
			Description: "Name of the machine that made the record.", Absent: "only in records from elsewhere",
		}, func(t *T) *Name { return &observer(t).Host }),
		keyword(Attribute{
			Name: "k8s.node.name", Role: Dimension, Elastic: "keyword", ECS: "orchestrator.resource.name", Resource: true,
			Description: "Kubernetes node that made the record.", Absent: "outside Kubernetes",
		}, func(t *T) *Name { return &observer(t).Node }),
		keyword(Attribute{
			Name: "k8s.cluster.name", Role: Dimension, Elastic: "keyword", ECS: "orchestrator.cluster.name", Calico: "cluster", Resource: true,
			Description: "Kubernetes cluster of the observer.", Absent: "not configured",
		}, func(t *T) *Name { return &observer(t).Cluster }),
	}
}

func recordFields() []Field[Flow] {
	return []Field[Flow]{
		idField(func(f *Flow) *ID { return &f.ID }),
		integer(Attribute{
			Name: "flow.start", Type: Time, Role: Gauge, Merge: MergeLeast, Unit: "ns", Elastic: "date_nanos", ECS: "event.start", Calico: "start_time",
			Description: "Start of the interval that the counters cover, since the Unix epoch.",
		}, func(f *Flow) *int64 { return &f.Start }),
		integer(Attribute{
			Name: "flow.end", Type: Time, Role: Gauge, Merge: MergeMost, Unit: "ns", Elastic: "date_nanos", ECS: "event.end", Calico: "end_time",
			Description: "End of the interval; also the log record's timestamp.",
		}, func(f *Flow) *int64 { return &f.End }),
		enum(Attribute{
			Name: "flow.reporter", Role: Dimension, Elastic: "keyword", Calico: "reporter", Values: reporterNames[1:],
			Description: "Which end of the flow made the record; forward is a node that passed the traffic on.", Absent: "only in records from elsewhere",
		}, func(f *Flow) *Reporter { return &f.Reporter }, ParseReporter),
		boolean(Attribute{
			Name: "flow.peer.observed", Role: Dimension, Elastic: "boolean",
			Description: "Whether an agent reports the other end too; a view that counts each connection once skips destination reports that have it.",
		}, func(f *Flow) *bool { return &f.PeerObserved }),
		enum(Attribute{
			Name: "flow.action", Role: Dimension, Elastic: "keyword", ECS: "event.action", Calico: "action", Values: actionNames[1:],
			Description: "What the kernel did.", Absent: "only in records from elsewhere",
		}, func(f *Flow) *Action { return &f.Action }, ParseAction),
		keyword(Attribute{
			Name: "flow.deny.reason", Role: Dimension, Elastic: "keyword", ECS: "event.reason",
			Description: "Why the flow failed, as the kernel says: why it dropped the packets (netfilter_drop, no_socket, tc_ingress, socket_rcvbuff), or else the error that the attempt ended with (connection_refused, timed_out, host_unreachable).",
			Absent:      "allowed flows",
		}, func(f *Flow) *Name { return &f.Denial.Reason }),
		enum(Attribute{
			Name: "flow.deny.class", Role: Dimension, Elastic: "keyword", Values: denyClassNames[1:],
			Description: "The same in plain words: a policy dropped it silently or rejected it, nobody listens, nobody answered, there is no way, there was no room, or the packets were not well formed.",
			Absent:      "allowed flows",
		}, func(f *Flow) *DenyClass { return &f.Denial.Class }, ParseDenyClass),
		keyword(Attribute{
			Name: "flow.deny.interface.name", Role: Dimension, Elastic: "keyword",
			Description: "Network interface at which the kernel dropped the packets.", Absent: "allowed flows, or not dropped at an interface of this machine",
		}, func(f *Flow) *Name { return &f.Denial.Interface }),
		known(Attribute{
			Name: "flow.deny.namespace.inode", Role: Dimension, Elastic: "long",
			Description: "Inode number of the network namespace in which the kernel dropped the packets.", Absent: "allowed flows, or not dropped on this machine",
		}, func(f *Flow) *uint32 { return &f.Denial.Namespace }),
		known(Attribute{
			Name: "flow.folded", Role: Counter, Unit: "{record}", Elastic: "long",
			Description: "How many records this one stands for that were more than the pipeline took, or than memory held: they were added up without what tells them apart. Bytes, packets, connections started and completed are exact.",
			Absent:      "it tells as much as it was asked to",
		}, func(f *Flow) *uint64 { return &f.Folded }),
		known(Attribute{
			Name: "flow.sampling.rate", Role: Dimension, Elastic: "long",
			Description: "How many flows this one stands for, the others having been left out by chance; the counters are already multiplied by it, so that sums are right on average.",
			Absent:      "not sampled",
		}, func(f *Flow) *uint64 { return &f.SamplingRate }),
	}
}

func idField[T any](member func(*T) *ID) Field[T] {
	return Field[T]{
		Attribute: Attribute{
			Name: "flow.id", Type: Keyword, Role: Gauge, Merge: MergeNew, Elastic: "keyword", ECS: "event.id",
			Description: "Unique id of the record, given once: node, epoch and counter in hexadecimal.", Absent: "only in records from elsewhere",
		},
		get: func(t *T) Value {
			if id := *member(t); !id.IsZero() {
				return Value{Type: Keyword, Str: id.String()}
			}
			return Value{}
		},
		set: func(t *T, v Value) (err error) { *member(t), err = ParseID(v.Str); return err },
	}
}

func networkFields() []Field[Flow] {
	return []Field[Flow]{
		enum(Attribute{
			Name: "network.transport", Role: Dimension, Elastic: "keyword", ECS: "network.transport", Calico: "proto",
			Description: "Transport protocol: tcp, udp, icmp, ipv6-icmp, sctp, or an IP protocol number.", Absent: "only in records from elsewhere",
		}, func(f *Flow) *Transport { return &f.Transport }, ParseTransport),
		networkType(Attribute{
			Name: "network.type", Role: Dimension, Elastic: "keyword", ECS: "network.type", Values: ipVersionNames[1:],
			Description: "IP version; an IPv4 address mapped into IPv6 is ipv4.", Absent: "no address is known, or flows of both were merged",
		}),
		ofICMP(Attribute{
			Name:        "network.icmp.type",
			Description: "Type of an ICMP or ICMPv6 flow, as IANA numbers them; a reply shares the type of its request.",
		}, func(f *Flow) *uint8 { return &f.ICMP.Type }),
		ofICMP(Attribute{
			Name:        "network.icmp.code",
			Description: "Code of an ICMP or ICMPv6 flow.",
		}, func(f *Flow) *uint8 { return &f.ICMP.Code }),
		known(Attribute{
			Name: "network.namespace.inode", Role: Dimension, Elastic: "long",
			Description: "Inode number of the reporter's network namespace.", Absent: "not known",
		}, func(f *Flow) *uint32 { return &f.NetworkNamespace }),
	}
}

// networkType follows from the addresses where there are any.
func networkType(a Attribute) Field[Flow] {
	f := enum(a, func(f *Flow) *IPVersion { return &f.IPVersion }, ParseIPVersion)
	f.get = func(f *Flow) Value {
		if v := f.NetworkType(); v != 0 {
			return Value{Type: Keyword, Str: v.String()}
		}
		return Value{}
	}
	return f
}

// ofICMP is a number that only ICMP flows have.
func ofICMP(a Attribute, member func(*Flow) *uint8) Field[Flow] {
	a.Role, a.Elastic, a.Absent = Dimension, "short", "flows that are not ICMP"
	f := integer(a, member)
	always := f.get
	f.get = func(r *Flow) Value {
		if r.Transport != TransportICMP && r.Transport != TransportICMPv6 {
			return Value{}
		}
		return always(r)
	}
	return f
}

type calicoEnd struct{ address, port, kind, original string }

func endpointFields(side, did, untranslated string, end func(*Flow) *Endpoint, calico calicoEnd) []Field[Flow] {
	counter := func(name, unit, description string, member func(*Endpoint) *uint64) Field[Flow] {
		return integer(Attribute{
			Name: side + name, Role: Counter, Unit: unit, Elastic: "long", ECS: ecsCounter(side, name), Description: description,
		}, func(f *Flow) *uint64 { return member(end(f)) })
	}
	return []Field[Flow]{
		address(Attribute{
			Name: side + ".address", Role: Dimension, Elastic: "ip", ECS: side + ".ip", Calico: calico.address,
			Description: "Address of the side that " + did + ".", Absent: "not known, or aggregated away",
		}, func(f *Flow) *netip.Addr { return &end(f).Address }),
		known(Attribute{
			Name: side + ".port", Role: Dimension, Elastic: "integer", ECS: side + ".port", Calico: calico.port,
			Description: "Port of the side that " + did + ".", Absent: "flows with several were merged, or the transport has none",
		}, func(f *Flow) *uint16 { return &end(f).Port }),
		address(Attribute{
			Name: side + ".original.address", Role: Dimension, Elastic: "ip", Calico: calico.original,
			Description: "Address of this side before it was translated: " + untranslated + ".", Absent: "not translated, or not known",
		}, func(f *Flow) *netip.Addr { return &end(f).OriginalAddress }),
		known(Attribute{
			Name: side + ".original.port", Role: Dimension, Elastic: "integer",
			Description: "Port of this side before it was translated.", Absent: "not translated, not known, or flows with several were merged",
		}, func(f *Flow) *uint16 { return &end(f).OriginalPort }),
		enum(Attribute{
			Name: side + ".type", Role: Dimension, Elastic: "keyword", Calico: calico.kind, Values: endpointTypeNames[1:],
			Description: "What stands at this end; host is the observer's machine or another node, network_set a named network, network everything without a better name.", Absent: "not known",
		}, func(f *Flow) *EndpointType { return &end(f).Type }, ParseEndpointType),
		enum(Attribute{
			Name: side + ".scope", Role: Dimension, Elastic: "keyword", Values: scopeNames[1:],
			Description: "Range that the address lies in.", Absent: "no address is known",
		}, func(f *Flow) *Scope { return &end(f).Scope }, ParseScope),
		keyword(Attribute{
			Name: side + ".process.executable.name", Role: Dimension, Elastic: "keyword", Calico: "",
			Description: "Executable of the process at this end.", Absent: "the process runs on a machine without an agent, or was not seen",
		}, func(f *Flow) *Name { return &end(f).Process }),
		counter(".bytes", "By", "Bytes this side sent, at the IP layer with headers and retransmissions.",
			func(e *Endpoint) *uint64 { return &e.Bytes }),
		counter(".packets", "{packet}", "Packets this side sent.",
			func(e *Endpoint) *uint64 { return &e.Packets }),
		counter(".payload.bytes", "By", "Application bytes this side sent, each byte once.",
			func(e *Endpoint) *uint64 { return &e.PayloadBytes }),
	}
}

// ecsCounter is the ECS name of a counter, which the payload's has none of.
func ecsCounter(side, name string) string {
	if name == ".payload.bytes" {
		return ""
	}
	return side + name
}

func processFields() []Field[Flow] {
	return []Field[Flow]{
		keyword(Attribute{
			Name: "process.executable.name", Role: Dimension, Elastic: "keyword", ECS: "process.name", Calico: "process_name",
			Description: "Executable of the reporter's process.", Absent: "not known: a kernel socket, or a process that was gone before it was seen",
		}, func(f *Flow) *Name { return &f.Process.Executable }),
		known(Attribute{
			Name: "process.pid", Role: Dimension, Elastic: "long", ECS: "process.pid", Calico: "process_id",
			Description: "Process id of the reporter's process, in the agent's pid namespace.", Absent: "several processes share the record, or it is not known",
		}, func(f *Flow) *uint32 { return &f.Process.PID }),
		keyword(Attribute{
			Name: "process.command_line", Role: Dimension, Elastic: "keyword", ECS: "process.command_line", Calico: "process_args",
			Description: "Command line of the reporter's process, quoted for a shell, with secrets replaced by ***.",
			Absent:      "not turned on, processes with different ones share the record, or the process was gone before it was seen",
		}, func(f *Flow) *Name { return &f.Process.CommandLine }),
		keyword(Attribute{
			Name: "process.linux.cgroup", Role: Dimension, Elastic: "keyword",
			Description: "Path of the socket's cgroup below the cgroup2 root.", Absent: "no cgroup2, or the cgroup was gone before it was seen",
		}, func(f *Flow) *Name { return &f.Process.Cgroup }),
		keyword(Attribute{
			Name: "container.id", Role: Dimension, Elastic: "keyword", ECS: "container.id",
			Description: "Container of the reporter's process, from the path of its cgroup.", Absent: "the path names no container, or is not known",
		}, func(f *Flow) *Name { return &f.Process.Container }),
	}
}

func connectionFields() []Field[Flow] {
	counter := func(name, calico, absent, description string, field func(Attribute, func(*Flow) *uint64) Field[Flow], member func(*Connections) *uint64) Field[Flow] {
		return field(Attribute{
			Name: "flow.connections." + name, Role: Counter, Unit: "{connection}", Elastic: "long", Calico: calico, Absent: absent, Description: description,
		}, func(f *Flow) *uint64 { return member(&f.Connections) })
	}
	always, nonZero := integer[Flow, uint64], known[Flow, uint64]
	return []Field[Flow]{
		counter("seen", "num_flows", "", "Connections that the record covers; a denied attempt is one.", always,
			func(c *Connections) *uint64 { return &c.Seen }),
		counter("started", "num_flows_started", "", "Of these, begun in the interval; connections older than the agent never count.", always,
			func(c *Connections) *uint64 { return &c.Started }),
		counter("completed", "num_flows_completed", "", "Of these, ended in the interval.", always,
			func(c *Connections) *uint64 { return &c.Completed }),
		gaugeThatAdds(counter("open", "", "", "Of these, still open at its end.", always,
			func(c *Connections) *uint64 { return &c.Open })),
		counter("reset", "", "zero", "Of the completed, ended by a reset from either side.", nonZero,
			func(c *Connections) *uint64 { return &c.Reset }),
		counter("reset_by_source", "", "zero, or not known which side sent it", "Of the reset, by a reset that the source sent.", nonZero,
			func(c *Connections) *uint64 { return &c.ResetBySource }),
		counter("reset_by_destination", "", "zero, or not known which side sent it", "Of the reset, by a reset that the destination sent.", nonZero,
			func(c *Connections) *uint64 { return &c.ResetByDestination }),
		counter("timed_out", "", "zero", "Of the completed, ended because the other side no longer answered.", nonZero,
			func(c *Connections) *uint64 { return &c.TimedOut }),
		counter("abandoned", "", "zero", "Of the completed, given up by the caller before the handshake was answered.", nonZero,
			func(c *Connections) *uint64 { return &c.Abandoned }),
	}
}

// gaugeThatAdds is of records of one time, and not over time.
func gaugeThatAdds(f Field[Flow]) Field[Flow] {
	f.Role, f.Merge = Gauge, MergeSum
	return f
}
