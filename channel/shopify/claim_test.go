package shopify

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	simshop "github.com/openclaw-pos/commerce/sim/shopify"
)

// TestClaims holds the tables of this adapter against its fixtures: every word, code and topic it claims to understand stands in a recorded exchange that
// names its source.
func TestClaims(t *testing.T) {
	t.Parallel()
	said := fixtures(t)
	for _, row := range statuses {
		if !strings.Contains(said, `"`+strings.ToLower(row.Theirs)+`"`) {
			t.Errorf("no fixture has the %s status %s", row.Axis, row.Theirs)
		}
	}
	for name, codes := range map[string][]string{
		"top-level": slices.Collect(maps.Keys(topCodes)), "key": slices.Collect(maps.Keys(keyCodes)), "user": slices.Collect(maps.Keys(userCodes)), "token": credentialErrors,
	} {
		slices.Sort(codes)
		for _, code := range codes {
			if code = strings.ToLower(code); !strings.Contains(said, `"code": "`+code+`"`) && !strings.Contains(said, `"error": "`+code+`"`) {
				t.Errorf("no fixture answers with the %s code %s", name, code)
			}
		}
	}
	for _, status := range append(slices.Sorted(maps.Keys(httpCodes)), http.StatusTooManyRequests, http.StatusInternalServerError) {
		if !strings.Contains(said, "http/1.1 "+strconv.Itoa(status)+" ") {
			t.Errorf("no fixture answers with HTTP %d", status)
		}
	}
	for _, word := range transactionWords {
		if !strings.Contains(said, `"`+strings.ToLower(word)+`"`) {
			t.Errorf("no fixture has a transaction that is %s", word)
		}
	}
	for _, reason := range cancelReasons {
		if !strings.Contains(said, `"reason": "`+strings.ToLower(reason)+`"`) {
			t.Errorf("no fixture cancels for %s", reason)
		}
	}
}

// TestTopicClaims holds that every topic an account subscribes to has a recorded delivery.
func TestTopicClaims(t *testing.T) {
	t.Parallel()
	said := fixtures(t)
	for _, topic := range topics {
		area, what := splitTopic(topic)
		if !strings.Contains(said, "x-shopify-topic: "+area+"/"+what+"\n") {
			t.Errorf("no fixture delivers %s/%s", area, what)
		}
	}
}

// splitTopic is an enum name as the header spells it: FULFILLMENT_ORDERS_PLACED_ON_HOLD is fulfillment_orders/placed_on_hold.
func splitTopic(topic string) (area, what string) {
	word := strings.ToLower(topic)
	for _, area := range []string{
		"orders", "order_transactions", "refunds", "fulfillments", "fulfillment_events", "fulfillment_orders", "returns", "inventory_levels", "products", "app",
	} {
		if what, ok := strings.CutPrefix(word, area+"_"); ok {
			return area, what
		}
	}
	return word, ""
}

// TestCodesExist holds that the codes of business refusals, the reasons and the topics are Shopify's own: each stands in its schema of some version.
func TestCodesExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, version := range append([]string{"2025-10"}, simshop.Versions()...) {
		for _, typ := range schemaOf(t, version).Types {
			for _, v := range typ.EnumValues {
				known[v.Name] = true
			}
		}
	}
	for _, list := range [][]string{slices.Collect(maps.Keys(userCodes)), slices.Collect(maps.Keys(keyCodes)), slices.Collect(maps.Values(cancelReasons)), topics, transactionWords} {
		for _, name := range list {
			if !known[name] {
				t.Errorf("%s is no word of Shopify's schema", name)
			}
		}
	}
}

var publicSource = regexp.MustCompile(`^source: https://\S+`)

// fixtures are all recorded exchanges in lower case; one that names no public source is an error.
func fixtures(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !publicSource.Match(text) {
			t.Errorf("%s names no public source", f)
		}
		all.Write(text)
	}
	return strings.ToLower(all.String())
}

// TestFieldClaims holds that every member the field map of reference/channel-shopify.md §1.3, §1.5 names stands in a recorded exchange, read or passed over, and that every
// call that is made was recorded.
func TestFieldClaims(t *testing.T) {
	t.Parallel()
	said := fixtures(t)
	for _, word := range strings.Fields(fieldMap) {
		if !strings.Contains(said, `"`+strings.ToLower(word)+`"`) {
			t.Errorf("no fixture has the member %s", word)
		}
	}
	for _, header := range []string{"Topic", "Shop-Domain", "API-Version", "Webhook-Id", "Event-Id", "Triggered-At", "Sub-Topic", "Name"} {
		if !strings.Contains(said, "\nx-shopify-"+strings.ToLower(header)+": ") {
			t.Errorf("no fixture has the header X-Shopify-%s", header)
		}
	}
	for _, operation := range operationNames(t) {
		if operation == "OrderParts" { // from fifty refunds on: recorded they would fill a book, so the simulator is asked, see TestFiftyRefunds
			continue
		}
		if !strings.Contains(said, `"operationname": "`+strings.ToLower(operation)+`"`) {
			t.Errorf("no fixture makes the call %s", operation)
		}
	}
}

// fieldMap are the REST members of a webhook, then the GraphQL ones that are asked for.
const fieldMap = `id admin_graphql_api_id name order_number confirmation_number source_name source_identifier created_at processed_at updated_at cancelled_at closed_at customer email
	contact_email phone shipping_address billing_address province_code country_code address1 address2 city zip company currency presentment_currency taxes_included tax_exempt
	duties_included estimated_taxes line_items sku variant_id product_id quantity current_quantity fulfillable_quantity price price_set discount_allocations amount_set
	total_discount tax_lines rate channel_liable requires_shipping gift_card properties shipping_lines discounted_price discount_codes discount_applications total_price_set
	current_total_price_set subtotal_price_set total_discounts_set total_shipping_price_set total_tax_set total_tip_received original_total_duties_set
	original_total_additional_fees_set total_outstanding payment_gateway_names financial_status fulfillment_status cancel_reason vendor variant_title po_number
	legacyResourceId confirmationNumber sourceName sourceIdentifier createdAt processedAt updatedAt cancelledAt closedAt firstName lastName shippingAddress billingAddress
	countryCodeV2 purchasingEntity poNumber currencyCode presentmentCurrencyCode taxesIncluded taxExempt estimatedTaxes dutiesIncluded variant product currentQuantity
	unfulfilledQuantity refundableQuantity originalUnitPriceSet discountAllocations allocatedAmountSet taxLines channelLiable requiresShipping isGiftCard customAttributes
	shippingLines originalPriceSet isRemoved totalPriceSet currentTotalPriceSet totalReceivedSet totalTipReceivedSet originalTotalDutiesSet originalTotalAdditionalFeesSet
	totalRefundedSet transactions kind status gateway amountSet parentTransaction paymentGatewayNames cancelReason displayFinancialStatus displayFulfillmentStatus returnStatus
	displayStatus requestStatus supportedActions remainingQuantity changeFromQuantity compareQuantity ignoreCompareQuantity barcode compareAtPrice restockType`
