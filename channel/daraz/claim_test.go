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

// TestFieldClaims holds that every member that reference/channel-daraz.md §1.2 to §1.10 and §1.12 names stands in a recorded exchange, and that every call that is made was
// recorded.
func TestFieldClaims(t *testing.T) {
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
		all.Write(text)
	}
	said := all.String()
	for _, word := range strings.Fields(fieldMap) {
		if !strings.Contains(said, `"`+word+`"`) {
			t.Errorf("no fixture has the member %s", word)
		}
	}
	for name, path := range defaultPaths {
		if !strings.Contains(said, path) {
			t.Errorf("no fixture makes the call %s, %s", name, path)
		}
	}
}

const fieldMap = `access_token refresh_token expires_in refresh_expires_in account account_platform country country_user_info country_user_info_list user_info seller_id user_id short_code
	code request_id _trace_id_ type message result success error_code errorCode count countTotal orders order_id order_number created_at updated_at payment_method price voucher
	voucher_seller voucher_platform shipping_fee shipping_fee_original shipping_fee_discount_seller shipping_fee_discount_platform cash_payment_fee items_count remarks buyer_note
	gift_option gift_message tax_code branch_number warehouse_code delivery_info promised_shipping_times extra_attributes need_cancel_confirm is_cancel_pending
	customer_first_name customer_last_name buyer_id address_shipping address_billing first_name last_name phone phone2 address1 address2 address3 address4 address5 city
	post_code addressDsitrict addressDistrict statuses order_items order_item_id sku shop_sku sku_id product_id name variation product_main_image product_detail_url item_price
	paid_price voucher_amount voucher_seller_lpi voucher_platform_lpi voucher_code_seller voucher_code_platform wallet_credits tax_amount shipping_amount
	shipping_service_cost currency status reason reason_detail cancel_return_initiator return_status stage_pay_status package_id tracking_code tracking_code_pre
	shipment_provider shipping_provider_type shipping_type is_fbl delivery_option_sof is_digital sla_time_stamp promised_shipping_time fulfillment_sla order_type order_flag
	platform_default shipping_allocate_type shipment_providers provider_code pack_order_list order_item_list item_err_code msg tracking_number retry file pdf_url
	tip_type tip_content reason_options reason_name reverse_order_id trade_order_id request_type is_rtm reverse_order_lines reverseOrderLineDTOList reverse_order_line_id
	trade_order_line_id reverse_status ofc_status refund_amount item_unit_price reason_code reason_text refund_payment_method whqc_decision is_need_refund is_dispute
	seller_sku_id platform_sku_id sla total_products products item_id primary_category attributes skus SellerSku ShopSku SkuId Status quantity Available special_price
	special_from_time special_to_time multiWarehouseInventories fblWarehouseInventories channelInventories message_type data timestamp site order_status status_update_time
	fulfillment_package_id`
