package bulk

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// entries returns n entries of a kilobyte each.
func entries(n int) []Entry {
	list := make([]Entry, n)
	for i := range list {
		list[i].start, list[i].end = 1000*i, 1000*(i+1)
	}
	return list
}

func results(list []Entry) []Result {
	var out []Result
	for i := range list {
		out = append(out, list[i].Result)
	}
	return out
}

func TestVerdicts(t *testing.T) {
	for item, want := range map[string]Result{
		`{"create":{"status":201}}`:                              {Verdict: Stored, Status: 201},
		`{"create":{"status":201,"failure_store":"used"}}`:       {Verdict: Diverted, Status: 201},
		`{"create":{"status":201,"failure_store":"not_needed"}}`: {Verdict: Stored, Status: 201},
		`{"create":{"status":409,"error":{"type":"version_conflict_engine_exception"}}}`: {Verdict: Duplicate, Status: 409,
			Type: "version_conflict_engine_exception"},
		`{"create":{"status":429,"error":{"type":"es_rejected_execution_exception"}}}`: {Verdict: Busy, Status: 429,
			Type: "es_rejected_execution_exception"},
		`{"create":{"status":429,"error":{"type":"cluster_block_exception","reason":"flood stage"}}}`: {Verdict: Refused, Status: 429,
			Type: "cluster_block_exception", Reason: "flood stage"},
		`{"create":{"status":403,"error":{"type":"cluster_block_exception"}}}`:   {Verdict: Refused, Status: 403, Type: "cluster_block_exception"},
		`{"create":{"status":403,"error":{"type":"security_exception"}}}`:        {Verdict: Refused, Status: 403, Type: "security_exception"},
		`{"create":{"status":404,"error":{"type":"index_not_found_exception"}}}`: {Verdict: Refused, Status: 404, Type: "index_not_found_exception"},
		`{"create":{"status":400,"error":{"type":"validation_exception"}}}`:      {Verdict: Refused, Status: 400, Type: "validation_exception"},
		`{"create":{"status":503,"error":{"type":"unavailable_shards_exception"}}}`: {Verdict: Busy, Status: 503,
			Type: "unavailable_shards_exception"},
		`{"create":{"status":500,"error":{"type":"null_pointer_exception"}}}`: {Verdict: Busy, Status: 500, Type: "null_pointer_exception"},
		`{"create":{"status":400,"error":{"type":"document_parsing_exception"}}}`: {Verdict: Rejected, Status: 400,
			Type: "document_parsing_exception"},
		`{"create":{"status":400,"error":{"type":"illegal_argument_exception"}}}`: {Verdict: Rejected, Status: 400,
			Type: "illegal_argument_exception"},
		`{"create":{"status":400}}`: {Verdict: Rejected, Status: 400},
		`{"create":{"_index":"x","_shards":{"total":1},"error":{"caused_by":{"type":"other"},"type":"a\"b"},"status":400}}`: {Verdict: Rejected,
			Status: 400, Type: `a"b`},
		`{"create":{"status":400,"error":"text"}}`: {Verdict: Rejected, Status: 400, Reason: "text"},
	} {
		list := entries(1)
		require.NoError(t, readAnswer(strings.NewReader(`{"took":3,"errors":true,"items":[`+item+`]}`), list), item)
		if diff := cmp.Diff(want, list[0].Result); diff != "" {
			t.Errorf("%s (-want +got):\n%s", item, diff)
		}
	}
}

// TestAnswersThatDoNotFit declares how far each is believed.
func TestAnswersThatDoNotFit(t *testing.T) {
	const stored = `{"create":{"status":201}}`
	for text, known := range map[string]int{
		``:                                      0,
		`{}`:                                    0,
		`[]`:                                    0,
		`null`:                                  0,
		`"text"`:                                0,
		`<html><body>Bad Gateway</body>`:        0,
		`{"items":{}}`:                          0,
		`{"items":[null]}`:                      0,
		`{"items":[{}]}`:                        0,
		`{"items":[{"create":{}}]}`:             0,
		`{"items":[{"create":{"status":0}}`:     0,
		`{"items":[{"create":{"status":"201"}}`: 0,
		`{"items":[{"create":{"status":1e99}}`:  0,
		`{"items":[` + stored:                   1,
		`{"items":[` + stored + `]}`:            1,
		`{"items":[` + stored + `,`:             1,
		`{"items":[` + stored + `,{"create":{"status":20`:                                                   1,
		`{"items":[` + stored + `,` + stored + `,` + stored + `]}`:                                          2,
		`{"items":[` + stored + `,` + stored:                                                                2,
		`{"items":[` + stored + `,{"create":{"status":400,"error":{"reason":"` + strings.Repeat("x", 1<<17): 1,
	} {
		list := entries(2)
		require.Error(t, readAnswer(strings.NewReader(text), list), text)
		for i, result := range results(list) {
			want := Pending
			if i < known {
				want = Stored
			}
			require.Equal(t, want, result.Verdict, "document %d of %.200s", i, text)
		}
	}
}

func TestLongReasonsAreCut(t *testing.T) {
	list := entries(1)
	require.NoError(t, readAnswer(strings.NewReader(`{"items":[{"create":{"status":400,"error":{"reason":"`+strings.Repeat("ü", 3000)+`"}}}]}`), list))
	require.Equal(t, strings.Repeat("ü", maxText/2)+"…", list[0].Result.Reason)
}

func TestErrorsOfRequests(t *testing.T) {
	kind, reason, err := readError(strings.NewReader(`{"error":{"root_cause":[{"type":"x"}],"type":"cluster_block_exception","reason":"blocked"},"status":403}`))
	require.NoError(t, err)
	require.Equal(t, []string{"cluster_block_exception", "blocked"}, []string{kind, reason})
	_, reason, err = readError(strings.NewReader(`{"error":"Incorrect HTTP method","status":405}`))
	require.NoError(t, err)
	require.Equal(t, "Incorrect HTTP method", reason)
	for _, text := range []string{"", "<html>", `{"error":`, `{"error":{"type":"x"`} {
		_, _, err := readError(strings.NewReader(text))
		require.Error(t, err, text)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(`{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":409,"error":{"type":"t","reason":"r"}}}]}`, uint8(2))
	f.Add(`{"error":{"type":"t","reason":"r"},"status":429}`, uint8(1))
	f.Add(`{"items":[{"create":{"error":[[[[{}]]]],"status":400}}`, uint8(1))
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		list := entries(int(n))
		err := readAnswer(strings.NewReader(text), list)
		for i := range list {
			if r := list[i].Result; (r.Verdict == Pending) != (r.Status == 0) || len(r.Reason) > maxText+3 || len(r.Type) > maxText+3 {
				t.Fatalf("document %d: %+v", i, r)
			}
			if err == nil && list[i].Result.Verdict == Pending {
				t.Fatalf("document %d has no verdict, and there is no error", i)
			}
		}
		_, _, _ = readError(strings.NewReader(text))
	})
}
