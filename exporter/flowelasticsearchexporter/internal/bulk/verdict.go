package bulk

import "net/http"

// Verdict is what became of a document.
type Verdict uint8

// The verdicts.
const (
	// Pending documents have no answer: they were not sent, or the answer was lost. They may
	// be stored.
	Pending Verdict = iota
	// Stored documents are.
	Stored
	// Duplicate documents were stored before, by a request whose answer was lost.
	Duplicate
	// Diverted documents were put into the data stream's failure store by Elasticsearch.
	Diverted
	// Rejected documents are at fault themselves: they will never be stored as they are.
	Rejected
	// TooLarge documents are larger than what a request may be.
	TooLarge
	// Busy says that the server has too much to do or lacks a shard for now.
	Busy
	// Refused says that the server will not take the document before somebody changes
	// something: a right, a block, a template, a limit.
	Refused

	// Verdicts is how many there are.
	Verdicts = iota
)

// Again tells whether the document is to be sent again.
func (v Verdict) Again() bool { return v == Pending || v == Busy || v == Refused }

// Result is what the server said of a document.
type Result struct {
	Verdict Verdict
	// Status is that of the document in the answer, or of the answer as a whole; 0 if there
	// was none.
	Status int
	// Type and Reason are those of the error. The reason of a Rejected one may quote the
	// document.
	Type, Reason string
}

// notTheDocuments are types of errors with status 400 that say nothing of the document.
var notTheDocuments = map[string]bool{
	"validation_exception":         true, // the limit of shards is reached
	"index_closed_exception":       true,
	"invalid_index_name_exception": true,
}

// blocked is the type of the error of an index that takes no documents for now.
const blocked = "cluster_block_exception"

// ofDocument is the verdict on one document of an answer.
func ofDocument(status int, kind string, diverted bool) Verdict {
	switch {
	case diverted:
		return Diverted
	case status >= 200 && status < 300:
		return Stored
	case status == http.StatusConflict:
		return Duplicate
	case kind == blocked: // with 429 where the disk is full, with 403 where somebody has set it
		return Refused
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return Busy
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		return Refused
	case status == http.StatusRequestEntityTooLarge:
		return TooLarge
	case status >= 400 && !notTheDocuments[kind]:
		return Rejected
	default:
		return Refused
	}
}

// ofRequest is the verdict on all documents of a request that was not taken.
func ofRequest(status int) Verdict {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return Busy
	case status == http.StatusRequestEntityTooLarge:
		return TooLarge
	default:
		return Refused
	}
}

// cures say what helps against what is refused.
var cures = map[string]string{
	"security_exception":        "the user or API key needs create_doc and auto_configure on the data streams",
	"index_not_found_exception": "install the index templates of the data streams",
	blocked:                     "allow writing again; a full disk's block goes when there is space",
	"validation_exception":      "free shards, or raise cluster.max_shards_per_node",
}
