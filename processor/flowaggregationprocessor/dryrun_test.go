package flowaggregationprocessor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

// onTrial is a processor on a dry run with what it logs and measures.
type onTrial struct {
	*trial
	logged    *observer.ObservedLogs
	telemetry *componenttest.Telemetry
	next      *pipeline
}

func observed(t *testing.T) (processor.Settings, *componenttest.Telemetry, *observer.ObservedLogs) {
	telemetry := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, telemetry.Shutdown(context.Background())) })
	settings := processortest.NewNopSettings(metadata.Type)
	settings.TelemetrySettings = telemetry.NewTelemetrySettings()
	core, logged := observer.New(zap.InfoLevel)
	settings.Logger = zap.New(core)
	return settings, telemetry, logged
}

func newOnTrial(t *testing.T, config *Config) *onTrial {
	settings, telemetry, logged := observed(t)
	next := new(pipeline)
	tried, err := newTrial(settings, config, next)
	require.NoError(t, err)
	for _, p := range tried.plans {
		p.ids = sameIDs
	}
	return &onTrial{tried, logged, telemetry, next}
}

// sameIDs has records take as many bytes in each run.
var sameIDs = flow.ID{Node: 1 << 31, Epoch: 1 << 31}

// reallyRun returns how many records a configuration leaves by rule, and the size of all.
func reallyRun(t *testing.T, config *Config, all []plog.Logs) (records map[string]int64, size int64) {
	settings, telemetry, _ := observed(t)
	sink := new(consumertest.LogsSink)
	m, err := newMerger(settings, config, sink)
	require.NoError(t, err)
	m.sender.ids = sameIDs
	for _, logs := range all {
		require.NoError(t, m.ConsumeLogs(t.Context(), logs))
	}
	require.NoError(t, m.Shutdown(t.Context()))
	records = make(map[string]int64)
	for labels, n := range points(t, telemetry, "otelcol_flow_aggregation_written") {
		var level, rule string
		_, err := fmt.Sscanf(labels, "level=%1s,rule=%s", &level, &rule)
		require.NoError(t, err, labels)
		records[rule] += n
	}
	for _, logs := range sink.AllLogs() {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					if lr.EventName() == flow.EventFlow {
						size += int64((&plog.ProtoMarshaler{}).LogRecordSize(lr))
					}
				}
			}
		}
	}
	return records, size
}

func TestADryRunTellsWhatRunningLeaves(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var all []plog.Logs
	came := make(map[string]int64) // by rule
	for batch := range 5 {
		flows := make([]flow.Flow, 200)
		for i := range flows {
			flows[i] = flowtest.Flow(r)
			if i%2 == 0 {
				flows[i] = record(i, flow.Action(1+r.IntN(2)))
			}
			flows[i].ID = flow.ID{Node: 1, Epoch: 1, Counter: uint64(1000*batch + i + 1)}
			flows[i].End = int64(1_800_000_000+60*batch+r.IntN(60)) * 1e9
			switch {
			case flows[i].Destination.Port == 443 && flows[i].Action == flow.Allow:
				came["sampled"]++
			case flows[i].Action == flow.Deny:
				came["denied"]++
			default:
				came["allowed"]++
			}
		}
		all = append(all, encode(flow.Batch{Flows: flows, Losses: []flow.Loss{{Count: 1}}}))
	}
	all = append(all, all[0]) // duplicates
	config := createDefaultConfig().(*Config)
	config.Rules = []RuleConfig{{Name: "sampled", Action: "allow", Conditions: []string{`attributes["destination.port"] == 443`}, Detail: DetailConfig{Level: 1, SampleOneIn: 3}}}
	config.DryRun.Enabled = true
	tried := newOnTrial(t, config)
	for _, logs := range all {
		given := plog.NewLogs()
		logs.CopyTo(given)
		require.NoError(t, tried.ConsumeLogs(t.Context(), given))
	}
	require.Equal(t, all, tried.next.AllLogs(), "all goes on as it came")
	require.NoError(t, tried.Shutdown(t.Context()))

	records, left, sizes := points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_records"),
		points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_left_records"), points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_left_bytes")
	plans := map[string]*Config{"configured": config}
	for level := range 4 {
		plans[fmt.Sprintf("level %d", level)] = config.atLevel(level)
	}
	for name, c := range plans {
		byRule, size := reallyRun(t, c, all)
		for rule, n := range byRule {
			assert.Equal(t, n, left["plan="+name+",rule="+rule], "%s, %s", name, rule)
			size -= sizes["plan="+name+",rule="+rule]
		}
		assert.Zero(t, size, "%s: bytes differ by so many", name)
	}
	for rule, n := range came {
		assert.Equal(t, n, records["plan=configured,rule="+rule], rule)
	}
	assert.Equal(t, came["allowed"]+came["sampled"], records["plan=level 2,rule=allowed"])
	assert.Less(t, left["plan=level 3,rule=allowed"], left["plan=level 0,rule=allowed"])
	assert.Equal(t, map[string]int64{"": 200}, points(t, tried.telemetry, "otelcol_flow_aggregation_duplicates"))
}

func TestADryRunTriesFilters(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.DryRun = DryRunConfig{Enabled: true, Interval: time.Hour, Filters: []FilterConfig{
		{Name: "shop", Conditions: []string{"false", `log.attributes["flow.action"] == "allow" and attributes["source.k8s.namespace.name"] == "shop"`}},
		{Name: "quiet", Conditions: []string{`severity_number < SEVERITY_NUMBER_WARN`}},
		{Name: "broken", Conditions: []string{`IsInCIDR(attributes["source.address"], ["10.0.0.0/8"])`}},
	}}
	tried := newOnTrial(t, config)
	logs := encode(flow.Batch{
		Flows:  []flow.Flow{record(1, flow.Allow), record(2, flow.Deny), ends("", "", flow.Allow)},
		Losses: []flow.Loss{{Count: 1}}, Agents: []flow.Agent{{Version: "1"}},
	})
	size := int64(0)
	for _, sl := range logs.ResourceLogs().At(0).ScopeLogs().All() {
		for _, lr := range sl.LogRecords().All() {
			size += int64((&plog.ProtoMarshaler{}).LogRecordSize(lr))
		}
	}
	require.Equal(t, 1, logs.ResourceLogs().Len())
	require.NoError(t, tried.ConsumeLogs(t.Context(), logs))
	require.NoError(t, tried.Shutdown(t.Context()))
	left := points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_left_records")
	for rule, want := range map[string]int64{"shop": 4, "quiet": 2, "broken": 5} {
		assert.EqualValues(t, 5, points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_records")["plan=filter,rule="+rule])
		assert.Equal(t, want, left["plan=filter,rule="+rule], rule)
	}
	assert.Equal(t, size, points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_bytes")["plan=filter,rule=shop"])
	assert.Equal(t, size, points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_left_bytes")["plan=filter,rule=broken"])
	assert.Equal(t, map[string]int64{"": 5}, points(t, tried.telemetry, "otelcol_flow_aggregation_condition_errors"))
	report := tried.logged.FilterMessageSnippet("nothing was removed").All()
	require.Len(t, report, 1)
	assert.Contains(t, report[0].Message, "filter quiet would remove 1 records that are no flows")
	assert.NotContains(t, report[0].Message, "filter shop would")
}

func TestTheReportIsATable(t *testing.T) {
	var lines []line
	for _, l := range []struct {
		plan, rule string
		came, left int64
	}{{"configured", "allowed", 12000, 600}, {"level 0", "all", 3, 3}, {"filter", "dns", 12000, 7999}} {
		lines = append(lines, line{l.plan, l.rule, outcome{came: amount{l.came, 400 * l.came}, left: amount{l.left, 800 * l.left}}})
	}
	assert.Equal(t, ""+
		"plan        rule     records  left  less    OTLP bytes  left     less\n"+
		"configured  allowed  12000    600   95.0 %  4800000     480000   90.0 %\n"+
		"level 0     all      3        3     0.0 %   1200        2400     -100.0 %\n"+
		"filter      dns      12000    7999  33.3 %  4800000     6399200  -33.3 %\n", table(lines))
}

func TestADryRunReportsWindowsThatAreOver(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.Interval, config.Delay, config.Jitter = time.Second, 0, 0
	config.DryRun = DryRunConfig{Enabled: true, Interval: time.Second}
	tried := newOnTrial(t, config)
	require.NoError(t, tried.Start(t.Context(), componenttest.NewNopHost()))
	for n := range 20 {
		f := record(n, flow.Allow)
		f.End = 1_800_000_000 * 1e9
		require.NoError(t, tried.ConsumeLogs(t.Context(), encode(flow.Batch{Flows: []flow.Flow{f}})))
	}
	require.Eventually(t, func() bool { return tried.logged.FilterMessageSnippet("configured  allowed").Len() > 0 }, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, tried.Shutdown(t.Context()))
	assert.EqualValues(t, 20, points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_records")["plan=level 1,rule=allowed"])
	assert.Equal(t, 20, tried.next.LogRecordCount())
	before := tried.logged.Len()
	tried.report()
	assert.Equal(t, before, tried.logged.Len(), "nothing came")
	require.NoError(t, tried.Shutdown(t.Context()), "twice")
}

func TestADryRunCountsWhatIsTakenOnce(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.Deduplicate = false
	config.DryRun.Enabled = true
	tried := newOnTrial(t, config)
	logs := encode(flow.Batch{Flows: []flow.Flow{record(1, flow.Allow)}})
	tried.next.refusing(func(plog.Logs) error { return errors.New("away") })
	require.Error(t, tried.ConsumeLogs(t.Context(), logs))
	tried.next.refusing(nil)
	require.NoError(t, tried.ConsumeLogs(t.Context(), logs))
	require.NoError(t, tried.Shutdown(t.Context()))
	assert.EqualValues(t, 1, points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_records")["plan=configured,rule=allowed"])
}

func TestADryRunSurvivesAPipelineThatChangesRecords(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.DryRun.Enabled = true
	tried := newOnTrial(t, config)
	clearing, err := consumer.NewLogs(func(_ context.Context, logs plog.Logs) error {
		logs.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true })
		return nil
	})
	require.NoError(t, err)
	tried.trial.next = clearing
	require.NoError(t, tried.ConsumeLogs(t.Context(), encode(flow.Batch{Flows: []flow.Flow{record(1, flow.Deny)}})))
	require.NoError(t, tried.Shutdown(t.Context()))
	assert.EqualValues(t, 1, points(t, tried.telemetry, "otelcol_flow_aggregation_dry_run_left_records")["plan=configured,rule=denied"])
}

func TestADryRunHasTheLifecycleOfAProcessor(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.DryRun.Enabled = true
	processortest.VerifyShutdown(t, NewFactory(), config)
	p, err := NewFactory().CreateLogs(t.Context(), processortest.NewNopSettings(metadata.Type), config, consumertest.NewNop())
	require.NoError(t, err)
	assert.IsType(t, &trial{}, p)
	assert.False(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Shutdown(t.Context()), "without a start")
	require.NoError(t, p.Shutdown(t.Context()), "twice")
}
