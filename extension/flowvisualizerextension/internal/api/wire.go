package api

// The JSON that the API answers with. Records and keys are not here: record.go
// writes them from the registry.

type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
	Offset  *int   `json:"offset,omitempty"`
}

type statusBody struct {
	Product string      `json:"product"`
	Version string      `json:"version"`
	Now     timestamp   `json:"now"`
	Host    string      `json:"host"`
	Store   storeBody   `json:"store"`
	Agents  []agentBody `json:"agents"`
}

type storeBody struct {
	Kind             string    `json:"kind"`
	Path             string    `json:"path"`
	SizeBytes        uint64    `json:"sizeBytes"`
	MaxSizeBytes     uint64    `json:"maxSizeBytes"`
	RetentionSeconds float64   `json:"retentionSeconds"`
	Records          uint64    `json:"records"`
	Oldest           timestamp `json:"oldest,omitzero"`
	Newest           timestamp `json:"newest,omitzero"`
}

type agentBody struct {
	Host            string       `json:"host"`
	Node            string       `json:"node"`
	Cluster         string       `json:"cluster"`
	Version         string       `json:"version"`
	LastSeen        timestamp    `json:"lastSeen"`
	Started         timestamp    `json:"started"`
	Ended           bool         `json:"ended,omitempty"`
	IntervalSeconds float64      `json:"intervalSeconds"`
	Engines         []engineBody `json:"engines"`
	Connections     uint64       `json:"connections"`
	Records         uint64       `json:"records"`
	Lost            uint64       `json:"lost"`
	CPUPercent      *float64     `json:"cpuPercent,omitempty"`
	MemoryBytes     uint64       `json:"memoryBytes,omitempty"`
}

type engineBody struct {
	Name   string `json:"name"`
	On     bool   `json:"on"`
	Detail string `json:"detail"`
}

type fieldsBody struct {
	Fields []fieldBody `json:"fields"`
}

type fieldBody struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Unit        string   `json:"unit"`
	Description string   `json:"description"`
	Role        string   `json:"role"`
	Groupable   bool     `json:"groupable"`
	Values      []string `json:"values,omitempty"`
}

type histogramBody struct {
	From    timestamp    `json:"from"`
	To      timestamp    `json:"to"`
	StepMs  int64        `json:"stepMs"`
	Buckets []bucketBody `json:"buckets"`
}

type bucketBody struct {
	Start timestamp  `json:"start"`
	Allow bucketSums `json:"allow"`
	Deny  bucketSums `json:"deny"`
	Lost  uint64     `json:"lost"`
}

type bucketSums struct {
	Connections uint64 `json:"connections"`
	Bytes       uint64 `json:"bytes"`
	Records     uint64 `json:"records"`
}

type lossesBody struct {
	Losses    []lossBody `json:"losses"`
	Total     lossTotal  `json:"total"`
	Truncated bool       `json:"truncated"`
}

type lossBody struct {
	Host  string    `json:"host"`
	Start timestamp `json:"start"`
	End   timestamp `json:"end"`
	Stage string    `json:"stage"`
	Unit  string    `json:"unit"`
	Count uint64    `json:"count"`
}

type lossTotal struct {
	Connections uint64 `json:"connections"`
	Records     uint64 `json:"records"`
	Packets     uint64 `json:"packets"`
}

type droppedBody struct {
	Count int `json:"count"`
}
