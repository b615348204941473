package flow

import "strings"

// Losses is the registry of a loss record's attributes.
var Losses = newRegistry(concat(
	observerFields(func(l *Loss) *Observer { return &l.Observer }),
	[]Field[Loss]{
		idField(func(l *Loss) *ID { return &l.ID }),
		integer(Attribute{
			Name: "flow.start", Type: Time, Role: Gauge, Unit: "ns", Elastic: "date_nanos", ECS: "event.start",
			Description: "Earliest time of the loss.",
		}, func(l *Loss) *int64 { return &l.Start }),
		integer(Attribute{
			Name: "flow.end", Type: Time, Role: Gauge, Unit: "ns", Elastic: "date_nanos", ECS: "event.end",
			Description: "Latest time of the loss; also the log record's timestamp.",
		}, func(l *Loss) *int64 { return &l.End }),
		text(Attribute{
			Name: "flow.loss.stage", Role: Dimension, Elastic: "keyword",
			Values:      []string{StageHook, StageSocketStorage, StageRingBuffer, StageDNS, StageMerge, StagePipeline, StageCrash},
			Description: "Where it was lost, from the kernel outwards.", Absent: "only in records from elsewhere",
		}, func(l *Loss) *string { return &l.Stage }),
		text(Attribute{
			Name: "flow.loss.unit", Role: Dimension, Elastic: "keyword", Values: []string{UnitConnections, UnitRecords, UnitPackets},
			Description: "What flow.loss.count counts.", Absent: "only in records from elsewhere",
		}, func(l *Loss) *string { return &l.Unit }),
		integer(Attribute{
			Name: "flow.loss.count", Role: Counter, Elastic: "long",
			Description: "How many were lost.",
		}, func(l *Loss) *uint64 { return &l.Count }),
	},
)...)

// Agents is the registry of the attributes of an agent's sign of life.
var Agents = newRegistry(concat(
	observerFields(func(a *Agent) *Observer { return &a.Observer }),
	[]Field[Agent]{
		idField(func(a *Agent) *ID { return &a.ID }),
		integer(Attribute{
			Name: "flow.agent.time", Type: Time, Role: Gauge, Unit: "ns", Elastic: "date_nanos",
			Description: "When it was sent; also the log record's timestamp.",
		}, func(a *Agent) *int64 { return &a.Time }),
		integer(Attribute{
			Name: "flow.agent.started", Type: Time, Role: Gauge, Unit: "ns", Elastic: "date_nanos",
			Description: "When the agent started.",
		}, func(a *Agent) *int64 { return &a.Started }),
		integer(Attribute{
			Name: "flow.agent.interval", Role: Gauge, Unit: "ns", Elastic: "long",
			Description: "Time between two signs of life.",
		}, func(a *Agent) *int64 { return &a.Interval }),
		boolean(Attribute{
			Name: "flow.agent.ended", Role: Dimension, Elastic: "boolean",
			Description: "Whether it is the last sign of an agent that stops, which sees nothing of what happens later.",
		}, func(a *Agent) *bool { return &a.Ended }),
		text(Attribute{
			Name: "flow.agent.version", Role: Dimension, Elastic: "keyword", ECS: "agent.version",
			Description: "Version of the agent.", Absent: "not known",
		}, func(a *Agent) *string { return &a.Version }),
		texts(Attribute{
			Name: "flow.agent.engines", Role: Dimension, Elastic: "keyword",
			Description: `Capture engines, each as "name on" or "name off", and ": why" where there is something to say.`, Absent: "none is built in",
		}, engineTexts, setEngines),
		integer(Attribute{
			Name: "flow.agent.connections", Role: Gauge, Unit: "{connection}", Elastic: "long",
			Description: "Live connections, and flows that are not idle; none are counted yet in the first sign.",
		}, func(a *Agent) *uint64 { return &a.Connections }),
		integer(Attribute{
			Name: "flow.agent.records", Role: Gauge, Unit: "{record}", Elastic: "long",
			Description: "Flow records sent since the agent started.",
		}, func(a *Agent) *uint64 { return &a.Records }),
		integer(Attribute{
			Name: "flow.agent.lost", Role: Gauge, Elastic: "long",
			Description: "Connections and records lost since the agent started.",
		}, func(a *Agent) *uint64 { return &a.Lost }),
		integer(Attribute{
			Name: "flow.agent.cpu.time", Role: Gauge, Unit: "ns", Elastic: "long",
			Description: "Processor time that the agent's process has used.",
		}, func(a *Agent) *int64 { return &a.CPUTime }),
		integer(Attribute{
			Name: "flow.agent.memory", Role: Gauge, Unit: "By", Elastic: "long",
			Description: "Resident memory of the agent's process.",
		}, func(a *Agent) *uint64 { return &a.Memory }),
	},
)...)

func engineTexts(a *Agent) []string {
	list := make([]string, len(a.Engines))
	for i, e := range a.Engines {
		list[i] = e.String()
	}
	return list
}

func setEngines(a *Agent, list []string) error {
	a.Engines = make([]Engine, len(list))
	for i, s := range list {
		a.Engines[i] = parseEngine(s)
	}
	return nil
}

// String prints the engine as its attribute carries it.
func (e Engine) String() string {
	state := " off"
	if e.On {
		state = " on"
	}
	if e.Detail == "" {
		return e.Name + state
	}
	return e.Name + state + ": " + e.Detail
}

func parseEngine(s string) Engine {
	head, detail, _ := strings.Cut(s, ": ")
	name, state, _ := strings.Cut(head, " ")
	return Engine{Name: name, On: state == "on", Detail: detail}
}
