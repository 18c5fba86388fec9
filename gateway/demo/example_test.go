package demo_test

import (
	"context"
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

func ExampleKind() {
	bank := demo.New(time.Now)
	g, _ := demo.Kind(bank).Open(partner.Config{})
	ctx := context.Background()

	p, _ := g.Authorize(ctx, gateway.Request{Reference: "order-1", Amount: money.Of(499900, "PKR")})
	fmt.Println(p.State)

	p, _ = g.Capture(ctx, gateway.Act{Reference: "order-1-capture", Payment: p.External})
	fmt.Println(p.State, p.Captured)

	r, _ := g.Refund(ctx, gateway.Act{Reference: "order-1-refund", Payment: p.External, Amount: money.Of(99900, "PKR")})
	fmt.Println(r.Amount)

	_, err := g.Refund(ctx, gateway.Act{Reference: "order-1-more", Payment: p.External, Amount: money.Of(499900, "PKR")})
	fmt.Println(err)
	// Output:
	// authorized
	// captured PKR 4999.00
	// PKR 999.00
	// PKR 4000.00 are left to give back
}
