package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

//go:embed static/*
var staticFiles embed.FS

// assets are the static files under names that change with their content, so that browsers may keep them for ever.
type assets struct {
	named  map[string]string // file → name with hash
	served map[string][]byte // name with hash → content
}

func loadAssets() *assets {
	a := &assets{map[string]string{}, map[string][]byte{}}
	files, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err)
	}
	for _, styles := range []bool{false, true} { // style sheets name the others
		for _, f := range files {
			if styles == (path.Ext(f.Name()) == ".css") {
				a.load(f.Name())
			}
		}
	}
	return a
}

// other finds what a style sheet names.
var other = regexp.MustCompile(`url\(([a-z0-9.-]+)\)`)

func (a *assets) load(file string) {
	body, err := staticFiles.ReadFile("static/" + file)
	if err != nil {
		panic(err)
	}
	ext := path.Ext(file)
	if ext == ".css" {
		body = other.ReplaceAllFunc(body, func(m []byte) []byte { return []byte("url(" + a.path(string(m[4:len(m)-1])) + ")") })
	}
	sum := sha256.Sum256(body)
	name := strings.TrimSuffix(file, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	a.named[file], a.served[name] = name, body
}

// path is where a file is served. It panics for a file there is none of, which the first page finds.
func (a *assets) path(file string) string {
	name, ok := a.named[file]
	if !ok {
		panic("no static file " + file)
	}
	return Base + "/static/" + name
}

var media = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2"}

// ServeHTTP serves a file by its name with hash.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	body, ok := a.served[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", media[path.Ext(name)])
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
