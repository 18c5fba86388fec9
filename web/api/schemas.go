package api

import (
	"net/http"
	"path"
	"strings"

	contracts "github.com/openclaw-pos/commerce/docs"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// schemaRoutes serves the JSON Schema of every contract version where the dataschema of our events points: /schemas/order.created.v1.json.
func (s *Server) schemaRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /schemas/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		body, err := contracts.Schemas.ReadFile(path.Join("events", name))
		if err != nil || strings.ContainsAny(name, `/\`) {
			WriteProblem(w, r, s.Log, fault.New(fault.NotFound, "there is no schema of this name"))
			return
		}
		w.Header().Set("Content-Type", "application/schema+json")
		if _, err := w.Write(body); err != nil {
			s.Log.Debug("answer not written", "err", err)
		}
	})
}
