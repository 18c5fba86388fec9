package api

import (
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func TestSlow(t *testing.T) {
	t.Parallel()
	t.Run("no operation leaves a read deadline on the connection: it would cut short whoever takes longer, and every later request on it", func(t *testing.T) {
		t.Parallel()
		s := bare()
		s.OpenAPI()
		for path, item := range s.api.OpenAPI().Paths {
			for method, op := range map[string]*huma.Operation{http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete} {
				if op != nil && op.RequestBody != nil && op.BodyReadTimeout >= 0 {
					t.Errorf("%s %s leaves a deadline of %s", method, path, op.BodyReadTimeout)
				}
			}
		}
	})
}
