//go:build linux

package flowlogreceiver

import (
	"context"
	"hash/fnv"
	"os"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/capture"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/cmdline"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// flowlog is the collector's side of a capture.
type flowlog struct {
	capture *capture.Capture
	host    component.Host // since Start
}

func createLogs(_ context.Context, settings receiver.Settings, config component.Config, next consumer.Logs) (receiver.Logs, error) {
	return newFlowlog(settings, config.(*Config), next, probe.Engines())
}

// newFlowlog builds the receiver on engines, which tests replace.
func newFlowlog(settings receiver.Settings, config *Config, next consumer.Logs, engines []probe.Engine) (*flowlog, error) {
	report, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: settings.ID, Transport: "bpf", ReceiverCreateSettings: settings,
	})
	if err != nil {
		return nil, err
	}
	telemetry, err := metadata.NewTelemetry(settings.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	filter, err := config.filter()
	if err != nil {
		return nil, err
	}
	commandLines, err := config.Process.Arguments.commandLines()
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	f := new(flowlog)
	f.capture = capture.New(capture.Options{
		Engines:          engines,
		Enabled:          config.Engines.enabled(),
		Probe:            config.probe(filter),
		CgroupRoot:       config.CgroupRoot,
		Interval:         config.Interval,
		MergeSourcePorts: config.MergeSourcePorts,
		MaxFlows:         config.MaxFlows,
		MaxTranslations:  config.Engines.NAT.MaxEntries,
		CommandLines:     commandLines,
		DNS:              capture.DNSOptions{MaxNames: config.Engines.DNS.MaxNames, MinTTL: config.Engines.DNS.MinTTL},
		Observer:         flow.Observer{Host: flow.InternKnown(host)},
		Node:             nodeID(host, settings.ID),
		Version:          settings.BuildInfo.Version,
		Consume: func(ctx context.Context, logs plog.Logs) error {
			ctx = report.StartLogsOp(ctx)
			n := logs.LogRecordCount()
			err := next.ConsumeLogs(ctx, logs)
			report.EndLogsOp(ctx, metadata.Type.String(), n, err)
			return err
		},
		Logger:  settings.Logger,
		Observe: capture.Observe{Interval: observe(telemetry), Degraded: f.degraded},
	})
	return f, nil
}

// degraded tells the collector's health that less is captured than was asked for.
func (f *flowlog) degraded(reason error) {
	componentstatus.ReportStatus(f.host, componentstatus.NewRecoverableErrorEvent(reason))
}

// enabled says which engines are wanted.
func (c *EnginesConfig) enabled() map[string]bool {
	return map[string]bool{
		probe.TCP: c.TCP.Enabled, probe.Datagram: c.Datagram.Enabled, probe.Drops: c.Drops.Enabled,
		probe.NAT:     c.NAT.Enabled,
		probe.Forward: c.Forward.Enabled,
		probe.DNS:     c.DNS.Enabled,
	}
}

// probe is what the engines are opened with.
func (c *Config) probe(filter probe.Filter) probe.Options {
	datagram, forward := c.Engines.Datagram, c.Engines.Forward
	return probe.Options{
		RingBufferSize: c.RingBufferSize,
		ExcludeSelf:    c.ExcludeSelf,
		Filter:         filter,
		Datagram: probe.FlowOptions{
			MaxFlows: datagram.MaxFlows,
			IdleUDP:  datagram.IdleTimeout.UDP, IdleICMP: datagram.IdleTimeout.ICMP, IdleOther: datagram.IdleTimeout.Other,
		},
		Forward: probe.ForwardOptions{
			FlowOptions: probe.FlowOptions{
				MaxFlows: forward.MaxFlows, IdleTCP: forward.IdleTimeout.TCP,
				IdleUDP: forward.IdleTimeout.UDP, IdleICMP: forward.IdleTimeout.ICMP, IdleOther: forward.IdleTimeout.Other,
			},
			Interfaces: forward.Interfaces, Exclude: forward.ExcludeInterfaces,
		},
		Drops: probe.DropsOptions{MaxFlows: c.Engines.Drops.MaxFlows},
		DNS:   probe.DNSOptions{Ports: c.Engines.DNS.Ports},
	}
}

// commandLines is how command lines are printed, or nil if they are not recorded.
func (c *ArgumentsConfig) commandLines() (*cmdline.Options, error) {
	if !c.Enabled {
		return nil, nil
	}
	patterns, err := c.patterns()
	if err != nil {
		return nil, err
	}
	return &cmdline.Options{MaxLength: c.MaxLength, Redact: patterns}, nil
}

// filter is the kernel's form of Include and Exclude.
func (c *Config) filter() (probe.Filter, error) {
	include, err := c.Include.prefixes()
	if err != nil {
		return probe.Filter{}, err
	}
	exclude, err := c.Exclude.prefixes()
	if err != nil {
		return probe.Filter{}, err
	}
	return probe.Filter{
		IncludeAddresses: include, ExcludeAddresses: exclude,
		IncludePorts: c.Include.Ports, ExcludePorts: c.Exclude.Ports,
	}, nil
}

// nodeID tells the records of this receiver from those of other machines and
// other receivers: host names alone repeat.
func nodeID(host string, id component.ID) uint32 {
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		machine = nil // containers have none; the host name is what is left
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.Join([]string{host, strings.TrimSpace(string(machine)), id.String()}, "\x00")))
	return h.Sum32()
}

func observe(t *metadata.Telemetry) func(capture.Interval) {
	return func(i capture.Interval) {
		ctx := context.Background()
		t.Events.Add(ctx, int64(i.Events))
		t.Records.Add(ctx, int64(i.Records))
		t.Deferred.Add(ctx, int64(i.Deferred))
		t.Connections.Record(ctx, int64(i.Connections))
		t.Waiting.Record(ctx, int64(i.Waiting))
		t.Folded.Add(ctx, int64(i.Folded))
		t.Sweep.Record(ctx, i.Sweep.Seconds())
		t.Names.Record(ctx, int64(i.Names))
		t.Evicted.Add(ctx, int64(i.Evicted))
		for _, l := range i.Losses {
			t.CountLost(ctx, l.Stage, l.Unit, l.Count)
		}
		t.CountLookups(ctx, "translated", i.Translations.Translated)
		t.CountLookups(ctx, "untranslated", i.Translations.Untranslated)
		t.CountLookups(ctx, "unknown", i.Translations.Unknown)
		t.CountLookups(ctx, "failed", i.Translations.Failed)
	}
}

// Start implements component.Component.
func (f *flowlog) Start(_ context.Context, host component.Host) error {
	f.host = host
	return f.capture.Start()
}

// Shutdown implements component.Component.
func (f *flowlog) Shutdown(ctx context.Context) error { return f.capture.Shutdown(ctx) }
