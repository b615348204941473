package document_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
)

// FuzzAppend puts any values into any attributes.
func FuzzAppend(f *testing.F) {
	f.Add(uint64(1), "team", "text", "10.0.0.1", int64(80), 1.5)
	f.Add(uint64(2), "a.b", "\xff\x00\"\\\n\u2028", "::ffff:10.0.0.1", int64(-1), 1e300)
	f.Add(uint64(3), "\xff", strings.Repeat("x", 7)+"é", "fe80::1%eth0", int64(1)<<62, -1e300)
	f.Add(uint64(4), "source", "", "not one", int64(65536), 0.0)
	f.Fuzz(func(t *testing.T, seed uint64, name, text, address string, n int64, x float64) {
		r := rand.New(rand.NewPCG(seed, 0))
		resource, lr := pcommon.NewResource(), plog.NewLogRecord()
		lr.SetEventName(pickOne(r, flow.EventFlow, flow.EventFlow, flow.EventLoss, flow.EventAgent, text))
		lr.SetTimestamp(pcommon.Timestamp(n))
		lr.SetObservedTimestamp(pcommon.Timestamp(seed))
		lr.SetSeverityNumber(plog.SeverityNumber(n))
		lr.SetSeverityText(text)
		all := flow.Flows.Fields()
		strange := r.IntN(3) == 0 // values of any type, and out of range
		for range r.IntN(80) {
			to := lr.Attributes()
			if r.IntN(5) == 0 {
				to = resource.Attributes()
			}
			field := &all[r.IntN(len(all))]
			switch {
			case r.IntN(10) == 0:
				fill(to.PutEmpty(pickOne(r, name, name+".x", "x."+name, field.Name+"_")), flow.Type(r.IntN(9)), r, text, address, n, x)
			case strange && r.IntN(20) == 0:
				fill(to.PutEmpty(field.Name), flow.Type(r.IntN(9)), r, text, address, n, x)
			case strange || field.Type == flow.Keyword && field.Values == nil && field.Name != "flow.id" || field.Type == flow.Map || field.Type == flow.Boolean:
				fill(to.PutEmpty(field.Name), field.Type, r, text, address, n, x)
			default:
				fill(to.PutEmpty(field.Name), field.Type, r, "allow", "10.0.0.1", n&0x7f, 1)
			}
		}
		for _, o := range []document.Options{{CommunityID: true}, {Mapping: schema.OTel}} {
			doc, target, err := encoder(t, o).Append([]byte("before"), resource, lr)
			require.True(t, bytes.HasPrefix(doc, []byte("before")))
			if err != nil {
				require.Equal(t, "before", string(doc))
				continue
			}
			require.Regexp(t, `^([0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+)?$`, target.ID)
			checkJSON(t, doc[len("before"):])
		}
	})
}

// fill gives v a value of a type, or none.
func fill(v pcommon.Value, typ flow.Type, r *rand.Rand, text, address string, n int64, x float64) {
	switch typ {
	case flow.Keyword:
		v.SetStr(pickOne(r, text, text, text, address))
	case flow.Address:
		v.SetStr(pickOne(r, address, "10.0.0.1", "2001:db8::1"))
	case flow.Integer:
		if r.IntN(2) == 0 {
			v.SetDouble(pickOne(r, x, float64(n)))
		} else {
			v.SetInt(pickOne(r, n, n&0xffff))
		}
	case flow.Boolean:
		v.SetBool(n > 0)
	case flow.Time:
		v.SetInt(n)
	case flow.Keywords:
		list := v.SetEmptySlice()
		for range r.IntN(3) {
			list.AppendEmpty().SetStr(address)
		}
	case flow.Map:
		m := v.SetEmptyMap()
		for range r.IntN(3) {
			fill(m.PutEmpty(pickOne(r, text, address)), flow.Type(r.IntN(8)), r, text, address, n, x)
		}
	case flow.Map + 1:
		v.SetEmptyBytes().FromRaw([]byte(text))
	}
}

func pickOne[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// checkJSON fails where doc is not one line of JSON, or an object in it has a key twice.
func checkJSON(t *testing.T, doc []byte) {
	t.Helper()
	if !json.Valid(doc) {
		t.Fatalf("not JSON: %q", doc)
	}
	if bytes.ContainsAny(doc, "\n\r") {
		t.Fatalf("more than a line: %q", doc)
	}
	require.NoError(t, noKeyTwice(json.NewDecoder(bytes.NewReader(doc))))
}

// noKeyTwice reads one value.
func noKeyTwice(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	keys := make(map[any]bool)
	switch token {
	case json.Delim('{'):
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return err
			}
			if keys[key] {
				return fmt.Errorf("%q is there twice", key)
			}
			keys[key] = true
			if err := noKeyTwice(d); err != nil {
				return err
			}
		}
	case json.Delim('['):
		for d.More() {
			if err := noKeyTwice(d); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, err = d.Token()
	return err
}

// TestRandomRecords encodes what flow.Encode can write: never refused, and as the registry
// presents each value.
func TestRandomRecords(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	paths := make(map[string]string)
	for _, f := range schema.ECS.Fields(flow.EventFlow) {
		if f.Attribute != nil {
			paths[f.Attribute.Name] = f.Path
		}
	}
	for range 2000 {
		f := flowtest.Flow(r)
		for _, o := range []document.Options{{CommunityID: true}, {Mapping: schema.OTel}} {
			resource, lr := one(t, flow.Batch{Flows: []flow.Flow{f}})
			doc, target, err := encoder(t, o).Append(nil, resource, lr)
			require.NoError(t, err)
			checkJSON(t, doc)
			require.Equal(t, f.ID.String(), target.ID)
			if o.Mapping == schema.OTel {
				continue
			}
			got := flatten(t, doc)
			for i := range flow.Flows.Fields() {
				field := &flow.Flows.Fields()[i]
				v := field.Get(&f)
				if paths[field.Name] == schema.ID {
					continue
				}
				require.Equal(t, presented(v), got[paths[field.Name]], field.Name)
			}
		}
	}
}

// presented is v as it is read from JSON.
func presented(v flow.Value) any {
	switch v.Type {
	case 0:
		return nil
	case flow.Keyword:
		return v.Str
	case flow.Integer:
		return json.Number(v.String())
	case flow.Boolean:
		return v.Int != 0
	case flow.Time:
		return time.Unix(0, v.Int).UTC().Format(time.RFC3339Nano)
	case flow.Keywords, flow.Map:
		list := []any{}
		for _, item := range v.Items() {
			list = append(list, item)
		}
		return list
	default:
		return v.String()
	}
}
