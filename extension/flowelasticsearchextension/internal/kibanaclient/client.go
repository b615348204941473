package kibanaclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 4 << 20

// Client makes the requests, each once. It is safe for concurrent use.
type Client struct {
	// HTTP sends them, with what they need to log in.
	HTTP *http.Client
	// Endpoint is the URL of Kibana, with its base path if it has one.
	Endpoint string
	// Space is the id of the space, "" for the default one.
	Space string
	// Authorization is the header that logs in; "" if HTTP does or nobody has to.
	Authorization string
	// UserAgent tells Kibana who asks.
	UserAgent string
}

// StatusError is an answer that is no success.
type StatusError struct {
	Status int
	// Message is Kibana's; it may be empty.
	Message string
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("status %d", e.Status)
	if e.Message != "" {
		text += ": " + e.Message
	}
	switch e.Status {
	case http.StatusUnauthorized:
		text += ": check user and password, or api_key"
	case http.StatusForbidden:
		text += ": " + privilege
	}
	return text
}

// privilege is what the requests take, for a person who has to grant it. The role
// flowlogs_kibana of deploy/elasticsearch/roles.yml has it.
const privilege = "grant All of the feature Saved Objects Management in the space (feature_savedObjectsManagement.all)"

// do makes a request and decodes the answer.
func (c *Client) do(ctx context.Context, path, contentType string, body []byte, into any) error {
	at := strings.TrimSuffix(c.Endpoint, "/")
	if c.Space != "" {
		at += "/s/" + url.PathEscape(c.Space)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", c.UserAgent)
	request.Header.Set("kbn-xsrf", "otelcol-flowlogs") // any value will do
	if c.Authorization != "" {
		request.Header.Set("Authorization", c.Authorization)
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return refusal(response.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

// refusal is the error of an answer. That an object is missing, or must not be read, Kibana
// tells as a bad request whose attributes have the status of the object.
func refusal(status int, answer []byte) error {
	var told struct {
		Message    string
		Attributes struct {
			Objects []struct {
				Error struct {
					StatusCode int
					Message    string
				}
			}
		}
	}
	if json.Unmarshal(answer, &told) != nil { // such as "Kibana server is not ready yet", or a proxy's page
		return &StatusError{Status: status}
	}
	if objects := told.Attributes.Objects; len(objects) > 0 && objects[0].Error.StatusCode != 0 {
		return &StatusError{objects[0].Error.StatusCode, objects[0].Error.Message}
	}
	return &StatusError{status, told.Message}
}

// Stamp returns the one on the tag with that id, and whether there is one.
func (c *Client) Stamp(ctx context.Context, id string) (stamp kibana.Stamp, found bool, err error) {
	body, err := json.Marshal(map[string]any{
		"objects":              []map[string]string{{"type": savedobject.TypeTag, "id": id}},
		"excludeExportDetails": true,
	})
	if err != nil {
		return stamp, false, err
	}
	var tag struct{ Attributes struct{ Description string } }
	err = c.do(ctx, "/api/saved_objects/_export", "application/json", body, &tag)
	var refused *StatusError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return stamp, false, nil
	}
	if err != nil {
		return stamp, false, fmt.Errorf("ask Kibana which dashboards it has: %w", err)
	}
	stamp, err = kibana.ParseStamp(tag.Attributes.Description)
	return stamp, err == nil, nil // what people have changed is no stamp
}

// Import puts objects, in place of those with their ids. Kibana takes each by itself: if some
// fail, the others are there, and the error is an *ImportError.
func (c *Client) Import(ctx context.Context, objects []savedobject.Object) error {
	file, err := savedobject.NDJSON(objects)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="flowlogs.ndjson"`}, // Kibana looks at the ending
		"Content-Type":        {"application/ndjson"},
	})
	if err == nil {
		_, err = part.Write(file)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return err
	}
	var answer struct {
		Success bool
		Errors  []Failure
	}
	if err := c.do(ctx, "/api/saved_objects/_import?overwrite=true", form.FormDataContentType(), body.Bytes(), &answer); err != nil {
		return fmt.Errorf("import dashboards into Kibana: %w", err)
	}
	if !answer.Success {
		return &ImportError{Objects: len(objects), Failures: answer.Errors}
	}
	return nil
}

// Failure is what Kibana says of an object that it did not take.
type Failure struct {
	ID, Type string
	Error    struct{ Type, Message string }
}

// ImportError says that Kibana did not take some of the objects.
type ImportError struct {
	Objects  int
	Failures []Failure
}

// maxNamed is how many failures an error spells out.
const maxNamed = 3

func (e *ImportError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "import dashboards into Kibana: it did not take %d of %d", len(e.Failures), e.Objects)
	for i, f := range e.Failures {
		if i == maxNamed {
			b.WriteString("; …")
			break
		}
		fmt.Fprintf(&b, "; %s %s: %s", f.Type, f.ID, f.Error.Type)
		if f.Error.Message != "" {
			b.WriteString(": " + f.Error.Message)
		}
	}
	return b.String()
}
