package shopify

import "testing"

func BenchmarkPlaceOrder(b *testing.B) {
	s, err := New(Config{Domain: "d", ClientID: "c", ClientSecret: "s", InventoryPolicy: "CONTINUE"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.AddProduct(ProductSpec{SKU: "A", Price: "10"}); err != nil {
		b.Fatal(err)
	}
	specs := s.Generate(1, 100)
	for i := 0; b.Loop(); i++ {
		if _, err := s.PlaceOrder(specs[i%len(specs)]); err != nil {
			b.Fatal(err)
		}
	}
}
