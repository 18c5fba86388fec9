package shopify_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/openclaw-pos/commerce/sim/shopify"
)

// A shop is opened, stocked, sold from, and looked at. Whoever is to be tested talks to the handler over HTTP meanwhile.
func ExampleNew() {
	shop, err := shopify.New(shopify.Config{Domain: "karachi-kicks.myshopify.com", ClientID: "app", ClientSecret: "not a secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	server := httptest.NewServer(shop.Handler())
	defer server.Close()

	if _, err := shop.AddProduct(shopify.ProductSpec{SKU: "TEE", Title: "Tee", Price: "1499.00", Quantity: 10}); err != nil {
		fmt.Println(err)
		return
	}
	placed, err := shop.PlaceOrder(shopify.OrderSpec{
		Lines: []shopify.LineSpec{{SKU: "TEE", Quantity: 2}}, ShippingPrice: "250", COD: true,
		Buyer: &shopify.Person{FirstName: "Ayesha", LastName: "Khan"}, Shipping: &shopify.Address{City: "Lahore", Country: "PK"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	view, _ := shop.OrderView(placed.Name)
	fmt.Println(view.Name, view.Financial, view.Fulfillment, view.Total, "left on the shelf:", shop.Available("TEE"))
	// Output: #1001 PENDING UNFULFILLED 3248.00 left on the shelf: 8
}
