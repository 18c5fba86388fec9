package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	shopDomain = "bench-shop.myshopify.com"
	shopSecret = "bench-client-secret"
	skuCount   = 5000
	hotSKUs    = 50 // they take a third of the sales
)

func skuOf(i int) string { return fmt.Sprintf("SKU-%05d", i) }

func priceOf(i int) int64 { return int64(10000 + i*10) }

// anySKU is one of the hot SKUs in a third of the cases.
func anySKU(rnd *rand.Rand, count int) int {
	if rnd.IntN(3) == 0 {
		return rnd.IntN(min(hotSKUs, count))
	}
	return rnd.IntN(count)
}

var (
	firstNames = []string{"Ayesha", "Bilal", "Fatima", "Hamza", "Iqra", "Junaid", "Khadija", "Mariam", "Omar", "Sana", "Usman", "Zainab"}
	lastNames  = []string{"Siddiqui", "Khan", "Ahmed", "Malik", "Raza", "Hussain", "Sheikh", "Butt", "Chaudhry", "Mirza"}
	cities     = [][3]string{{"Lahore", "Punjab", "54000"}, {"Karachi", "Sindh", "74000"}, {"Islamabad", "Islamabad", "44000"}, {"Multan", "Punjab", "60000"}, {"Peshawar", "KPK", "25000"}}
)

// payload is an order as Shopify posts it, of about 3 KB with three lines (https://shopify.dev/docs/api/admin-rest/latest/resources/order). n makes it unique.
func payload(rnd *rand.Rand, n int64, skus int, at time.Time) []byte {
	first, last := firstNames[rnd.IntN(len(firstNames))], lastNames[rnd.IntN(len(lastNames))]
	city := cities[rnd.IntN(len(cities))]
	phone := fmt.Sprintf("+92300%07d", rnd.IntN(10_000_000))
	address := fmt.Sprintf(`{"first_name":%q,"last_name":%q,"name":%q,"company":null,"address1":"House %d, Street %d","address2":"Near the market","city":%q,"province":%q,"zip":%q,"country":"Pakistan","country_code":"PK","phone":%q}`,
		first, last, first+" "+last, 1+rnd.IntN(400), 1+rnd.IntN(60), city[0], city[1], city[2], phone)
	body := make([]byte, 0, 3300)
	when := at.UTC().Format(time.RFC3339)
	body = fmt.Appendf(body, `{"id":%d,"admin_graphql_api_id":"gid://shopify/Order/%d","name":"#%d","order_number":%d,"confirmation_number":"C%d","test":false,"created_at":%q,"processed_at":%q,"updated_at":%q,"cancelled_at":null,"closed_at":null,"currency":"PKR","presentment_currency":"PKR","taxes_included":true,"source_name":"web","financial_status":"paid","fulfillment_status":null,"note":"Please call before delivery","tags":"web, autumn","email":"buyer%d@example.com","phone":%q,"payment_gateway_names":["card"],"customer":{"id":%d,"first_name":%q,"last_name":%q},"shipping_address":%s,"billing_address":%s,"line_items":[`,
		n, n, n, n, n, when, when, when, rnd.IntN(1_000_000), phone, 7_000_000+rnd.IntN(1_000_000), first, last, address, address)
	total := int64(25000)
	seen := map[int]bool{}
	for i := range 3 {
		sku := anySKU(rnd, skus)
		for seen[sku] {
			sku = (sku + 1) % skus
		}
		seen[sku] = true
		quantity := int64(1 + rnd.IntN(2))
		price := priceOf(sku)
		total += price * quantity
		if i > 0 {
			body = append(body, ',')
		}
		tax := decimal(price * quantity * 18 / 118)
		body = fmt.Appendf(body, `{"id":%d,"admin_graphql_api_id":"gid://shopify/LineItem/%d","variant_id":%d,"product_id":%d,"sku":%q,"name":"Product %d","title":"Product %d","quantity":%d,"current_quantity":%d,"fulfillable_quantity":%d,"price":%q,"requires_shipping":true,"gift_card":false,"taxable":true,"grams":400,"vendor":"Openclaw","discount_allocations":[],"tax_lines":[{"title":"GST","rate":0.18,"price":%q,"channel_liable":false}]}`,
			n*10+int64(i), n*10+int64(i), variantID(sku), variantID(sku)+1, skuOf(sku), sku, sku, quantity, quantity, quantity, decimal(price), tax)
	}
	set := fmt.Sprintf(`{"shop_money":{"amount":%q,"currency_code":"PKR"},"presentment_money":{"amount":%q,"currency_code":"PKR"}}`, decimal(total), decimal(total))
	body = fmt.Appendf(body, `],"shipping_lines":[{"id":%d,"title":"Standard","price":"250.00","discount_allocations":[],"tax_lines":[]}],"discount_applications":[],"fulfillments":[],"refunds":[],"total_price":%q,"total_price_set":%s,"current_total_price_set":%s,"total_outstanding":"0.00","total_tip_received":"0.00"}`,
		n*10+9, decimal(total), set, set)
	return body
}

func variantID(sku int) int64 { return 40_000_000 + int64(sku)*10 }

func decimal(minor int64) string { return fmt.Sprintf("%d.%02d", minor/100, minor%100) }

// signed are the headers Shopify sends with a webhook.
func signed(body []byte, n int64) http.Header {
	mac := hmac.New(sha256.New, []byte(shopSecret))
	mac.Write(body)
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("X-Shopify-Topic", "orders/create")
	h.Set("X-Shopify-Shop-Domain", shopDomain)
	h.Set("X-Shopify-Webhook-Id", "wh-"+strconv.FormatInt(n, 10))
	h.Set("X-Shopify-Event-Id", "ev-"+strconv.FormatInt(n, 10))
	h.Set("X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h
}
