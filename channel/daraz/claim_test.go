package daraz

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel/iop"
)

// TestClaims holds the tables of this adapter against its fixtures: every word and every code it claims to understand stands in a recorded exchange that names its source.
func TestClaims(t *testing.T) {
	t.Parallel()
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
		if !strings.HasPrefix(string(text), "source: https://") {
			t.Errorf("%s names no public source", f)
		}
		all.Write(text)
	}
	said := strings.ToLower(all.String())
	for _, row := range statusRows {
		if !strings.Contains(said, `"`+strings.ToLower(row.Theirs)+`"`) {
			t.Errorf("no fixture has the %s status %s", row.Axis, row.Theirs)
		}
	}
	for name, codes := range map[string]map[string]iop.Code{"order": orderCodes, "fulfilment": fulfilCodes, "reverse": reverseCodes, "product": productCodes, "tip": tipCodes} {
		for _, code := range slices.Sorted(maps.Keys(codes)) {
			if !claimed(said, strings.TrimPrefix(code, "tip_")) {
				t.Errorf("no fixture has the %s code %s", name, code)
			}
		}
	}
	for name, words := range namedWords {
		for _, word := range words {
			if !strings.Contains(said, strings.ToLower(word)) {
				t.Errorf("no fixture has the %s %s", name, word)
			}
		}
	}
	for _, code := range gatewayCodes {
		if !claimed(said, strings.ToLower(code)) {
			t.Errorf("no fixture has the gateway code %s", code)
		}
	}
	for _, kind := range []int{pushOrder, pushListingQC, pushCreated, pushEdited, pushDeleted, pushLowStock, pushToken, pushReverse, pushCategory, pushShopStatus, pushPackage, pushReview} {
		if !strings.Contains(said, fmt.Sprintf(`"message_type": %d,`, kind)) {
			t.Errorf("no fixture has a push of type %d", kind)
		}
	}
}

// claimed reports whether a fixture answers with the code, whatever the member is called, or expects it as the error.
func claimed(said, code string) bool {
	return slices.ContainsFunc([]string{`code": "`, `code":"`, `tip_type": "`}, func(before string) bool { return strings.Contains(said, before+code+`"`) })
}

// gatewayCodes are those that package iop reads the same for every call. https://open.daraz.com/apps/doc/doc
var gatewayCodes = []string{
	"901", "ApiCallLimit", "AppCallLimit", "SellerCallLimit", "ServiceTimeout", "SERVICE_UNAVAILABLE", "E006", "6", "513", "1000", "15", "998",
	"IllegalAccessToken", "IllegalRefreshToken", "InvalidCode", "IncompleteSignature", "InvalidAppKey", "APP_KEY_INVALID", "MissingParameter",
	"InsufficientPermission", "AppWhiteIpLimit", "SellerNotVerified", "Mp3SellerApiLimit", "AUTH_TYPE_UNSUPPORTED", "5", "30",
}

// namedWords are other words that the partner's pages list, by the field they stand in.
var namedWords = map[string][]string{
	"cancel_return_initiator": {
		`"cancellation-internal"`, `"cancellation-customer"`, `"cancellation-failed Delivery"`, `"cancellation-seller"`, `"return-customer"`, `"refund-internal"`,
		`"buyer-cancel"`, `"system-cancel"`, `"customer service-cancel"`,
	},
	"shipping_provider_type": {`"EXPRESS"`, `"STANDARD"`, `"ECONOMY"`, `"INSTANT"`, `"SELLER_OWN_FLEET"`, `"PICKUP_IN_STORE"`, `"DIGITAL"`},
	"shipping_type":          {`"Dropshipping"`, `"Own Warehouse"`, `"Warehouse"`},
	"order_type":             {`"Normal"`, `"PreSale"`, `"Coupon"`, `"O2O"`, `"InStoreO2O"`},
	"order_flag":             {`"GUARANTEE"`, `"NORMAL"`, `"GLOBAL_COLLECTION"`},
	"tip_type":               {`"tip_type": "warn"`, `"tip_type": "warning"`, `"tip_type": "error"`, `"tip_type": "success"`},
	"type of a refusal":      {`"ISV"`, `"ISP"`, `"SYSTEM"`},
	"request_type":           {`"CANCEL"`, `"RETURN"`, `"ONLY_REFUND"`},
	"decision":               {"action=instantRefund", "action=agreeReturn", "action=refuseReturn", "action=confirmDelivery", "action=agreeRefund", "action=refuseRefund", "action=startDispute"},
	"payment_method":         {`"COD"`, `"MIXEDCARD"`, `"PAYMENT_ACCOUNT"`},
}
