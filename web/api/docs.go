package api

import (
	"embed"
	"net/http"
	"strings"
)

//go:embed docs
var docs embed.FS

// docsRoutes serves the description of the resources and a page that shows it. The page loads nothing from outside and runs nothing inline.
func (s *Server) docsRoutes(mux *http.ServeMux) {
	serve := func(media string, body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", media)
			h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			h.Set("Referrer-Policy", "no-referrer")
			if _, err := w.Write(body); err != nil {
				s.Log.Debug("answer not written", "err", err)
			}
		}
	}
	mux.HandleFunc("GET /openapi.json", serve("application/vnd.oai.openapi+json;version=3.1", s.openapi))
	for name, media := range map[string]string{"index.html": "text/html; charset=utf-8", "docs.css": "text/css; charset=utf-8", "docs.js": "text/javascript; charset=utf-8"} {
		body, err := docs.ReadFile("docs/" + name)
		if err != nil {
			s.Log.Error("docs", "err", err)
			continue
		}
		mux.HandleFunc("GET /docs/"+strings.Replace(name, "index.html", "{$}", 1), serve(media, body))
	}
	s.schemaRoutes(mux)
	mux.Handle("GET /docs", http.RedirectHandler("/docs/", http.StatusMovedPermanently))
}
