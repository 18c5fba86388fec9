package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/web/api"
)

func TestSchemas(t *testing.T) {
	t.Parallel()
	h := (&api.Server{Log: slog.New(slog.DiscardHandler)}).Handler()
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	for _, typ := range event.Contracts {
		t.Run("the schema of "+typ+" is where its events say", func(t *testing.T) {
			w := get(outbox.Schema("http://commerce.example", typ, 1))
			var s struct{ Title string }
			if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != http.StatusOK || s.Title != typ+", version 1" {
				t.Errorf("%d %q %v", w.Code, s.Title, err)
			}
		})
	}
	for _, path := range []string{"/schemas/order.lost.v1.json", "/schemas/..%2F..%2Fdocs.go", "/schemas/frozen", "/schemas/"} {
		t.Run("nothing is at "+path, func(t *testing.T) {
			if w := get(path); w.Code != http.StatusNotFound {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
