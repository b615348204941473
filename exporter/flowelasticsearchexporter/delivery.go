package flowelasticsearchexporter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/bulk"
)

// delivery is one push. Its memory is used again for others.
type delivery struct {
	*flowExporter

	batch    bulk.Batch // documents that are to be sent
	rejected rejections

	// again tells of each record, by its number in the logs, whether it is to be pushed again;
	// nAgain is how many are.
	again  []bool
	nAgain int
	// down is set when there is no use in sending more now.
	down bool

	err     error         // why records are to be pushed again
	after   time.Duration // how long the server asks to be left alone
	trouble error         // what makes the exporter unhealthy

	notFlows int
	notFlow  error // the first of them
}

func (d *delivery) reset() {
	d.batch.Reset()
	d.rejected.reset()
	clear(d.again)
	*d = delivery{flowExporter: d.flowExporter, batch: d.batch, rejected: d.rejected, again: d.again[:0]}
}

// deliver sends the documents of logs, as many at a time as the pace says.
func (d *delivery) deliver(ctx context.Context, logs plog.Logs) {
	d.again = slices.Grow(d.again, logs.LogRecordCount())[:logs.LogRecordCount()]
	n := 0
	for resource, record := range records(logs) {
		if d.down {
			d.retry(n)
			n++
			continue
		}
		document, target, err := d.encoder.Append(d.batch.Buffer(), resource, record)
		switch {
		case err == nil:
			d.batch.Add(document, target.Stream, target.ID, n)
		case isFlow(record):
			d.rejected.addRecord(d.encoder, record, err, n)
		default:
			d.refuse(err)
		}
		n++
		if d.batch.Size() >= d.pace.Size() {
			d.flush(ctx)
		}
	}
	d.flush(ctx)
}

// retry has a record pushed again.
func (d *delivery) retry(record int) {
	if !d.again[record] {
		d.again[record] = true
		d.nAgain++
	}
}

// refuse counts a log record that is no flow record.
func (d *delivery) refuse(err error) {
	if d.notFlows == 0 {
		d.notFlow = err
	}
	d.notFlows++
}

// flush sends what is gathered, and tells of what is rejected.
func (d *delivery) flush(ctx context.Context) {
	if len(d.batch.Entries()) > 0 {
		d.note(d.sender.Send(ctx, &d.batch))
		var counts [bulk.Verdicts]int64
		for i := range d.batch.Entries() {
			e := &d.batch.Entries()[i]
			counts[e.Result.Verdict]++
			switch {
			case e.Result.Verdict.Again():
				d.retry(e.Record)
			case e.Result.Verdict == bulk.Rejected, e.Result.Verdict == bulk.TooLarge:
				d.rejected.addDocument(d.encoder, &d.batch, e)
			}
		}
		d.count(ctx, &counts)
		d.batch.Reset()
	}
	d.bury(ctx)
}

// note takes what there is to say of a batch that was sent.
func (d *delivery) note(r bulk.Report) {
	if d.err == nil {
		d.err = r.Err
	}
	if r.Unhealthy && d.trouble == nil {
		d.trouble = r.Err
	}
	d.after = max(d.after, r.After)
	d.down = d.down || r.Down
}

// fail notes why records that were rejected cannot be kept anywhere.
func (d *delivery) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	if d.trouble == nil {
		d.trouble = err
	}
}

// outcome is the end of a push: its error, which tells what is to be pushed again.
func (d *delivery) outcome(ctx context.Context, logs plog.Logs) error {
	d.health.report(d.trouble)
	var notFlows error
	if d.notFlows > 0 {
		d.telemetry.NotFlows.Add(ctx, int64(d.notFlows))
		notFlows = fmt.Errorf("%d of %d log records are not written: %w", d.notFlows, len(d.again), d.notFlow)
	}
	if d.nAgain == 0 {
		if notFlows != nil {
			return consumererror.NewPermanent(notFlows)
		}
		return nil
	}
	if notFlows != nil {
		// The error that is returned speaks for those that are pushed again.
		d.logger.Error("Log records were refused for good", zap.Error(notFlows))
	}
	err := fmt.Errorf("%d of %d records are kept: %w", d.nAgain, len(d.again), d.err)
	if d.after > 0 {
		err = exporterhelper.NewThrottleRetry(err, d.after)
	}
	if d.nAgain == len(d.again) {
		return err
	}
	return consumererror.NewLogs(err, subset(logs, d.again))
}
