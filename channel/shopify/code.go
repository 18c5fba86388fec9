package shopify

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// meaning is what one of Shopify's codes comes to.
type meaning struct {
	kind  fault.Kind
	say   string
	after time.Duration // not worth asking sooner, where Shopify itself names no wait
}

func (m meaning) fault(code string) *fault.Error {
	f := fault.New(m.kind, "%s", m.say).WithCode(code)
	f.After = m.after
	return f
}

// httpCodes are the statuses with which Shopify refuses a request; others of 5xx are its own trouble, the rest a request it does not understand. 429 is
// read by throttled, which knows the wait. https://shopify.dev/docs/api/usage/response-codes
var httpCodes = map[int]meaning{
	http.StatusUnauthorized:        {kind: fault.Unauthorized, say: "Shopify refuses the access token"},
	http.StatusPaymentRequired:     {kind: fault.Forbidden, say: "the shop is frozen until its bill is paid"},
	http.StatusForbidden:           {kind: fault.Forbidden, say: "Shopify does not allow this"},
	http.StatusNotFound:            {kind: fault.NotFound, say: "there is no such shop or API version"},
	http.StatusUnprocessableEntity: {kind: fault.Invalid, say: "Shopify does not understand the request"},
	http.StatusLocked:              {kind: fault.Unavailable, say: "the shop is locked"},
	430:                            {kind: fault.Forbidden, say: "Shopify does not allow this"}, // its own: a request that looks like an attack
}

// refusedStatus is the failure an HTTP status means, nil for 2xx.
func refusedStatus(status int, header http.Header) error {
	m, known := httpCodes[status]
	switch {
	case status >= 200 && status < 300:
		return nil
	case known:
	case status >= 500:
		m = meaning{kind: fault.Unavailable, say: "Shopify has a problem"}
	default:
		m = meaning{kind: fault.Invalid, say: "Shopify does not understand the request"}
	}
	if m.kind == fault.Unavailable {
		m.after = retryAfter(header)
	}
	return m.fault(strconv.Itoa(status))
}

// topCodes are the codes of errors beside the data, which are about the request as a whole. https://shopify.dev/docs/api/admin-graphql#status_and_error_codes
var topCodes = map[string]meaning{
	"THROTTLED":             {kind: fault.Throttled, say: "Shopify asks to wait", after: time.Second},
	"ACCESS_DENIED":         {kind: fault.Unauthorized, say: "the app lacks a scope"},
	"SHOP_INACTIVE":         {kind: fault.Forbidden, say: "the shop is not active"},
	"MAX_COST_EXCEEDED":     {kind: fault.Invalid, say: "the query costs too much"},
	"INTERNAL_SERVER_ERROR": {kind: fault.Unavailable, say: "Shopify has a problem"},
	"TIMEOUT":               {kind: fault.Unavailable, say: "Shopify took too long"},
}

// fault is a top-level error in our kinds.
func (t topError) fault(operation string) error {
	code := string(t.Extensions.Code)
	if err := repeated(code); err != nil {
		return err
	}
	m, known := topCodes[code]
	if !known {
		m = meaning{kind: fault.Invalid, say: "Shopify refuses"}
	}
	m.say += ": " + operation
	if m.kind == fault.Unauthorized || !known {
		m.say += ": " + short(t.Message, 300)
	}
	return m.fault(code)
}

// codeAttemptFailed asks for a new idempotency key: the attempt before it did nothing.
const codeAttemptFailed = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"

// keyCodes are about the idempotency key, and stand among user errors or beside the data. https://shopify.dev/docs/api/usage/idempotent-requests
var keyCodes = map[string]meaning{
	"IDEMPOTENCY_CONCURRENT_REQUEST":     {kind: fault.Unavailable, say: "the same request is still running at Shopify", after: time.Second},
	"IDEMPOTENCY_KEY_PARAMETER_MISMATCH": {kind: fault.Invalid, say: "another request was made under the same idempotency key"},
	codeAttemptFailed:                    {kind: fault.Unavailable, say: "an earlier attempt failed at Shopify"},
}

// repeated is the failure of an idempotency key, nil for other codes.
func repeated(code string) error {
	if m, ok := keyCodes[code]; ok {
		return m.fault(code)
	}
	return nil
}

// userCodes are business refusals, inside an answer of 200, that come to something else than Refused, and those of stock pushes, which the inventory
// page lists one by one. The names are those of Shopify's schema: InventorySetQuantitiesUserErrorCode, FulfillmentOrderMoveFulfillmentOrderMoveUserErrorCode,
// OrderCancelUserErrorCode, ReturnErrorCode, ProductVariantsBulkUpdateUserErrorCode.
var userCodes = map[string]fault.Kind{
	"CHANGE_FROM_QUANTITY_STALE":                           fault.Conflict,
	"COMPARE_QUANTITY_STALE":                               fault.Conflict,
	"INVALID_STATE":                                        fault.Conflict,
	"CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS": fault.Conflict,
	"NOT_FOUND":                                            fault.NotFound,
	"PRODUCT_DOES_NOT_EXIST":                               fault.NotFound,
	"PRODUCT_VARIANT_DOES_NOT_EXIST":                       fault.NotFound,
	"INVALID_INVENTORY_ITEM":                               fault.NotFound,
	"INVALID_LOCATION":                                     fault.Refused,
	"INVALID_QUANTITY_NEGATIVE":                            fault.Refused,
	"INVALID_REASON":                                       fault.Refused,
	"NON_MUTABLE_INVENTORY_ITEM":                           fault.Refused,
	"NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR":         fault.Refused,
	"NO_REFUND_PERMISSION":                                 fault.Refused,
	"INTERNAL_ERROR":                                       fault.Unavailable,
	"NOTIFICATION_FAILED":                                  fault.Unavailable,
}

// fault is a business refusal in our kinds.
func (u userError) fault() error {
	code := string(u.Code)
	if err := repeated(code); err != nil {
		return err
	}
	if code == "" {
		code = "USER_ERROR" // Shopify's plain UserError has none
	}
	kind, known := userCodes[code]
	switch {
	case known:
	case strings.HasSuffix(code, "_STALE"), strings.HasPrefix(code, "CANNOT_MOVE"):
		kind = fault.Conflict
	case strings.HasSuffix(code, "DOES_NOT_EXIST"):
		kind = fault.NotFound
	default:
		kind = fault.Refused
	}
	f := fault.New(kind, "Shopify says: %.300s", u.Message).WithCode(code)
	f.Field = strings.Join(u.Field, ".")
	return f
}

// refused is the first of the user errors; nil when there are none.
func refused(all []userError) error {
	if len(all) == 0 {
		return nil
	}
	return all[0].fault()
}
