package flowvisualizerextension

import "io/fs"

// webUI returns the files of the web UI, or nil when the build carries none; the
// API is then served alone.
func webUI() fs.FS { return nil }
