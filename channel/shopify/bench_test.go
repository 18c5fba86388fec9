package shopify

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/openclaw-pos/commerce/channel"
)

// BenchmarkDecode is what an order costs on its way in, by shape.
func BenchmarkDecode(b *testing.B) {
	arc, err := txtar.ParseFile("testdata/order_discounts.txtar")
	if err != nil {
		b.Fatal(err)
	}
	shapes := map[string][]byte{}
	for _, f := range arc.Files {
		switch f.Name {
		case "webhook/body":
			shapes[shapeREST] = f.Data
		case "01-response":
			_, body, _ := bytes.Cut(f.Data, []byte("\n\n"))
			var e envelope
			if err := json.Unmarshal(body, &e); err != nil {
				b.Fatal(err)
			}
			shapes[shapeGraphQL] = e.Data
		}
	}
	ch, err := Kind.Open(channel.Config{HTTP: http.DefaultClient, Now: time.Now, Settings: map[string]string{"shop": testShop}})
	if err != nil {
		b.Fatal(err)
	}
	for shape, body := range shapes {
		b.Run(shape, func(b *testing.B) {
			raw := channel.Raw{Shape: shape, Docs: []channel.Doc{{Name: docOrder, Body: body}}}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ch.Decode(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
