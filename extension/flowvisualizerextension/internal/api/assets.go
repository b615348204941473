package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// hashedFolder holds the files whose names change with their content.
const hashedFolder = "/assets/"

// contentTypes are those of the files a web UI is made of. The machine's own
// table is not asked: with nosniff a wrong entry there would break the page.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        contentTypeJSON,
	".md":          "text/plain; charset=utf-8",
	".map":         contentTypeJSON,
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webmanifest": "application/manifest+json",
	".woff2":       "font/woff2",
}

// assets serves the web UI's files from memory, compressed once.
type assets struct{ files map[string]asset }

type asset struct {
	contentType   string
	etag          string
	plain, zipped []byte // zipped is nil where compression does not pay
}

// newAssets reads every file of ui, which may be nil.
func newAssets(ui fs.FS) (*assets, error) {
	a := &assets{files: make(map[string]asset)}
	if ui == nil {
		return a, nil
	}
	err := fs.WalkDir(ui, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(ui, name)
		if err != nil {
			return err
		}
		a.files["/"+name], err = newAsset(name, content)
		return err
	})
	return a, err
}

func newAsset(name string, content []byte) (asset, error) {
	contentType, ok := contentTypes[path.Ext(name)]
	if !ok {
		contentType = "application/octet-stream"
	}
	sum := sha256.Sum256(content)
	file := asset{contentType: contentType, etag: hex.EncodeToString(sum[:8]), plain: content}
	var zipped bytes.Buffer
	writer, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return asset{}, err
	}
	if _, err := writer.Write(content); err != nil {
		return asset{}, err
	}
	if err := writer.Close(); err != nil {
		return asset{}, err
	}
	if zipped.Len() < len(content)*9/10 {
		file.zipped = zipped.Bytes()
	}
	return file, nil
}

// ServeHTTP serves the file at the path; a path that names no file is a place
// within the UI and gets its page.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path
	file, ok := a.files[name]
	if !ok && !strings.Contains(path.Base(name), ".") {
		name = "/index.html"
		file, ok = a.files[name]
	}
	if !ok {
		message := "there is no such file"
		if len(a.files) == 0 {
			message = "this build carries no web UI: the API is under " + basePath
		}
		writeError(w, &requestError{status: http.StatusNotFound, code: codeNotFound, message: message})
		return
	}
	header := w.Header()
	if strings.HasPrefix(name, hashedFolder) {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		header.Set("Cache-Control", "no-cache")
	}
	header.Set("Content-Type", file.contentType)
	content, etag := file.plain, file.etag
	if file.zipped != nil {
		header.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			header.Set("Content-Encoding", "gzip")
			content, etag = file.zipped, etag+"-gz"
			r.Header.Del("Range") // a range of the compressed file is of no use
		}
	}
	header.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reports whether the client takes gzip. A client that spells out a
// weight for it other than zero is taken at its word.
func acceptsGzip(r *http.Request) bool {
	for _, part := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding == "gzip" {
			weight = strings.ReplaceAll(weight, " ", "")
			return weight != "q=0" && weight != "q=0.0" && weight != "q=0.00" && weight != "q=0.000"
		}
	}
	return false
}
