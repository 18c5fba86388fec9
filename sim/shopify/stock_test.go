package shopify

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const setStock = `mutation($input: InventorySetQuantitiesInput!, $key: String!) { inventorySetQuantities(input: $input) @idempotent(key: $key) {
	inventoryAdjustmentGroup { id reason changes { name delta quantityAfterChange location { name } } } userErrors { code field message } } }`

func (b *bench) row(sku, location string, change ...any) map[string]any {
	row := map[string]any{
		"inventoryItemId": gid("InventoryItem", b.bySKU[sku][0].itemID), "locationId": gid("Location", b.locationNamed(location).id), "quantity": 25, "changeFromQuantity": nil,
	}
	for i := 0; i+1 < len(change); i += 2 {
		if name := change[i].(string); change[i+1] == "absent" {
			delete(row, name)
		} else {
			row[name] = change[i+1]
		}
	}
	return row
}

func stockInput(rows ...map[string]any) map[string]any {
	return map[string]any{"name": "available", "reason": "correction", "referenceDocumentUri": "openclaw://push/1", "quantities": rows}
}

func TestInventorySetQuantities(t *testing.T) {
	t.Parallel()
	push := func(b *bench, key string, input map[string]any) map[string]any {
		return b.ask(setStock, map[string]any{"input": input, "key": key})
	}
	t.Run("a matching compare sets and a stale one changes nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		if c := code(push(b, "k1", stockInput(b.row("TEE-RED", "Karachi", "changeFromQuantity", 40))), "inventorySetQuantities"); c != "" {
			t.Fatal(c)
		}
		if n := b.Stock("TEE-RED", "Karachi"); n != 25 {
			t.Errorf("stock %d, want 25", n)
		}
		both := stockInput(b.row("MUG-BLUE", "Karachi", "changeFromQuantity", 40), b.row("TEE-RED", "Karachi", "changeFromQuantity", 40))
		if c := code(push(b, "k2", both), "inventorySetQuantities"); c != "CHANGE_FROM_QUANTITY_STALE" {
			t.Error(c)
		}
		if n := b.Stock("MUG-BLUE", "Karachi"); n != 40 {
			t.Errorf("the row before the stale one was applied: %d", n)
		}
	})
	t.Run("available leaves out what open orders hold and on hand counts it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.order() // two tees
		if n := b.Stock("TEE-RED", "Karachi"); n != 38 || b.Available("TEE-RED") != 48 || b.Committed("TEE-RED") != 2 {
			t.Errorf("available %d of %d, committed %d", n, b.Available("TEE-RED"), b.Committed("TEE-RED"))
		}
		in := stockInput(b.row("TEE-RED", "Karachi", "changeFromQuantity", 40, "quantity", 30))
		in["name"] = "on_hand"
		if c := code(push(b, "k", in), "inventorySetQuantities"); c != "" {
			t.Fatal(c)
		}
		if n := b.Stock("TEE-RED", "Karachi"); n != 28 {
			t.Errorf("available %d, want 30 on hand less 2 committed", n)
		}
	})
	t.Run("every refusal has its code and changes nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.must(b.AddProduct(ProductSpec{SKU: "DIGITAL", Price: "10", Untracked: true}))
		base := func(change ...any) map[string]any { return stockInput(b.row("TEE-RED", "Karachi", change...)) }
		withName, withReason := base(), base()
		withName["name"], withReason["reason"] = "committed", "because"
		twice := stockInput(b.row("TEE-RED", "Karachi"), b.row("TEE-RED", "Karachi"))
		for want, in := range map[string]map[string]any{
			"COMPARE_QUANTITY_REQUIRED": base("changeFromQuantity", "absent"), "INVALID_INVENTORY_ITEM": base("inventoryItemId", "gid://shopify/InventoryItem/1"),
			"INVALID_LOCATION": base("locationId", "gid://shopify/Location/1"), "INVALID_QUANTITY_NEGATIVE": base("quantity", -1),
			"INVALID_QUANTITY_TOO_HIGH": base("quantity", 1_000_000_001), "INVALID_NAME": withName, "INVALID_REASON": withReason,
			"NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR": twice, "NON_MUTABLE_INVENTORY_ITEM": stockInput(b.row("DIGITAL", "Karachi")),
		} {
			if got := code(push(b, "key "+want, in), "inventorySetQuantities"); got != want {
				t.Errorf("got %q, want %s", got, want)
			}
		}
		if n := b.Stock("TEE-RED", "Karachi"); n != 40 {
			t.Errorf("stock %d", n)
		}
	})
	t.Run("a key replays its answer, refuses other arguments, and is spoilt by a refusal", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		in := stockInput(b.row("TEE-RED", "Karachi", "changeFromQuantity", 40))
		first := push(b, "k", in)
		b.must(nil, b.SetStock("TEE-RED", "Karachi", 7))
		again := push(b, "k", in)
		if text(first, "inventorySetQuantities.inventoryAdjustmentGroup.id") != text(again, "inventorySetQuantities.inventoryAdjustmentGroup.id") || b.Stock("TEE-RED", "Karachi") != 7 {
			t.Error("the replay did the work again", first, again)
		}
		other := stockInput(b.row("TEE-RED", "Karachi", "quantity", 3))
		if c := code(push(b, "k", other), "inventorySetQuantities"); c != "IDEMPOTENCY_KEY_PARAMETER_MISMATCH" {
			t.Error(c)
		}
		stale := stockInput(b.row("TEE-RED", "Karachi", "changeFromQuantity", 99))
		push(b, "spoilt", stale)
		if c := code(push(b, "spoilt", stale), "inventorySetQuantities"); c != "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" {
			t.Error(c)
		}
	})
	t.Run("without a key nothing runs", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		query := strings.Replace(strings.Replace(setStock, ", $key: String!", "", 1), "@idempotent(key: $key)", "", 1)
		_, _, body := b.post("2026-07", query, map[string]any{"input": stockInput(b.row("TEE-RED", "Karachi"))})
		if !strings.Contains(text(body, "errors.0.message"), "@idempotent") || b.Stock("TEE-RED", "Karachi") != 40 {
			t.Error(body)
		}
	})
	t.Run("an adjustment moves by its delta", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		row := b.row("TEE-RED", "Lahore", "quantity", "absent", "delta", -4, "changeFromQuantity", 10)
		got := b.ask(`mutation($input: InventoryAdjustQuantitiesInput!) { inventoryAdjustQuantities(input: $input) @idempotent(key: "d") { userErrors { code } } }`,
			map[string]any{"input": map[string]any{"name": "available", "reason": "damaged", "changes": []any{row}}})
		if c := code(got, "inventoryAdjustQuantities"); c != "" || b.Stock("TEE-RED", "Lahore") != 6 {
			t.Error(c, b.Stock("TEE-RED", "Lahore"))
		}
	})
}

func TestPrices(t *testing.T) {
	t.Parallel()
	const update = `mutation($p: ID!, $v: [ProductVariantsBulkInput!]!, $partial: Boolean) { productVariantsBulkUpdate(productId: $p, variants: $v, allowPartialUpdates: $partial) {
		productVariants { sku price compareAtPrice } userErrors { code field } } }`
	b := setup(t)
	b.must(b.AddProduct(ProductSpec{SKU: "TEE-RED-XL", Variant: "XL", Price: "1599", ProductOf: "TEE-RED"}))
	v := b.bySKU["TEE-RED"][0]
	good := map[string]any{"id": gid("ProductVariant", v.id), "price": "1299.00", "compareAtPrice": "1499"}
	bad := map[string]any{"id": gid("ProductVariant", b.bySKU["TEE-RED-XL"][0].id), "price": "-1"}
	vars := map[string]any{"p": gid("Product", v.p.id), "v": []any{good, bad}, "partial": false}
	if c := code(b.ask(update, vars), "productVariantsBulkUpdate"); c != "NEGATIVE_PRICE_VALUE" || v.price != 149900 {
		t.Errorf("%s, price %d", c, v.price)
	}
	vars["partial"] = true
	got := b.ask(update, vars)
	if text(got, "productVariantsBulkUpdate.productVariants.0.price") != "1299.00" || v.price != 129900 || code(got, "productVariantsBulkUpdate") != "NEGATIVE_PRICE_VALUE" {
		t.Error(got)
	}
	foreign := map[string]any{"id": gid("ProductVariant", b.bySKU["MUG-BLUE"][0].id), "price": "1"}
	if c := code(b.ask(update, map[string]any{"p": gid("Product", v.p.id), "v": []any{foreign}}), "productVariantsBulkUpdate"); c != "PRODUCT_VARIANT_DOES_NOT_EXIST" {
		t.Error(c)
	}
}

func TestThreeHundredBuyersForForty(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(b.AddProduct(ProductSpec{SKU: "DROP", Price: "5000", Quantity: 40}))
	var sold, refused atomic.Int32
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			_, err := b.PlaceOrder(OrderSpec{Lines: []LineSpec{{SKU: "DROP", Quantity: 1}}, Buyer: &Person{Email: fmt.Sprintf("b%d@example.com", i)}, Shipping: &Address{Country: "PK"}})
			switch {
			case err == nil:
				sold.Add(1)
			case errors.Is(err, ErrSoldOut):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if sold.Load() != 40 || refused.Load() != 260 || b.Available("DROP") != 0 || b.Committed("DROP") != 40 {
		t.Errorf("%d sold, %d refused, %d available, %d committed", sold.Load(), refused.Load(), b.Available("DROP"), b.Committed("DROP"))
	}
}
