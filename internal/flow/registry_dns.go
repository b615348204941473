package flow

// domainField names the destination as the source looked it up.
func domainField() Field[Flow] {
	return nameSet(Attribute{
		Name: "destination.domains", Role: Dimension, Merge: MergeUnion, Elastic: "keyword", ECS: "destination.domain", Calico: "dest_domains",
		Description: "Names that the reporter's network namespace had looked up for the destination's address when a connection began, in alphabetical order; at most 8, so where there are 8 there may have been more.",
		Absent:      "the source does not report, names are not recorded, or no answer with the address was seen",
	}, func(f *Flow) *NameSet { return &f.Destination.Domains })
}

func dnsFields() []Field[Flow] {
	counter := func(name, unit, description string, member func(*DNS) *uint64) Field[Flow] {
		return known(Attribute{
			Name: "flow.dns." + name, Role: Counter, Unit: unit, Elastic: "long", Description: description, Absent: "zero",
		}, func(f *Flow) *uint64 { return member(&f.DNS) })
	}
	return []Field[Flow]{
		counter("queries", "{query}", "DNS queries that the source sent over UDP.", func(d *DNS) *uint64 { return &d.Queries }),
		counter("responses", "{response}", "Answers to them, whatever they said.", func(d *DNS) *uint64 { return &d.Responses }),
		counter("timeouts", "{query}", "Queries without an answer: for 5 seconds, until the same was asked again, or until the flow ended.", func(d *DNS) *uint64 { return &d.Timeouts }),
		counter("errors.nxdomain", "{response}", "Of the answers, those that the name does not exist (NXDOMAIN).", func(d *DNS) *uint64 { return &d.NXDomain }),
		counter("errors.servfail", "{response}", "Of the answers, those that the server failed (SERVFAIL).", func(d *DNS) *uint64 { return &d.ServFail }),
		counter("errors.refused", "{response}", "Of the answers, those that the server refuses (REFUSED).", func(d *DNS) *uint64 { return &d.Refused }),
		counter("errors.other", "{response}", "Of the answers, those with another response code that is not NOERROR.", func(d *DNS) *uint64 { return &d.OtherErrors }),
		derived(Attribute{
			Name: "flow.dns.latency.mean", Type: Integer, Role: Gauge, Unit: "us", Elastic: "long",
			Description: "Mean time from query to answer.", Absent: "no answer came",
		}, func(f *Flow) Value {
			if f.DNS.Responses == 0 {
				return Value{}
			}
			return Value{Type: Integer, Int: int64(f.DNS.LatencyMean())}
		}),
		known(Attribute{
			Name: "flow.dns.latency.max", Role: Gauge, Merge: MergeMost, Unit: "us", Elastic: "long",
			Description: "Longest time from query to answer.", Absent: "no answer came",
		}, func(f *Flow) *uint32 { return &f.DNS.LatencyMax }),
		counter("latency.sum", "us", "Sum of the times from query to answer; divided by flow.dns.responses it is the mean over any number of records.", func(d *DNS) *uint64 { return &d.LatencySum }),
	}
}
