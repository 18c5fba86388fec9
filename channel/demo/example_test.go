package demo_test

import (
	"context"
	"fmt"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
)

func ExampleNew() {
	shop := demo.New()
	ch, _ := demo.Kind(shop).Open(channel.Config{})
	ctx := context.Background()

	id := shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
	var o channel.Order
	for c, err := range ch.Orders(ctx, "") {
		if err != nil {
			panic(err)
		}
		o, _ = ch.Decode(c.Raw)
		fmt.Println(o.Number, o.Status, o.Total)
	}
	notice := channel.ShipNotice{
		Handling: channel.Handling{Order: id, Reference: "parcel-1", Lines: []channel.Quantity{{Line: o.Lines[0].External, Quantity: 2}}},
		Carrier:  "TCS", Tracking: "779412326902",
	}
	if _, err := ch.(channel.Shipper).Ship(ctx, notice); err != nil {
		panic(err)
	}
	fmt.Println("the shop was told of", shop.Told(id).Shipped, "units")
	// Output:
	// #1001 open PKR 2000.00
	// the shop was told of 2 units
}
