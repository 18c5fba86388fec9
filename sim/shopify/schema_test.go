package shopify

import (
	"testing"
	"time"
)

func TestSchema(t *testing.T) {
	for _, v := range Versions() {
		at := time.Now()
		s, err := Schema(v)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(v, len(s.Types), time.Since(at))
	}
}
