package shopify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// mutation is one mutation while it runs.
type mutation struct {
	s    *Shop
	e    *event
	name string
	key  string // of the @idempotent directive
}

// mutations are the fields of the mutation type. A payload with userErrors means that nothing was changed.
var mutations = map[string]func(m *mutation, a args) object{
	"fulfillmentCancel":             fulfillmentCancel,
	"fulfillmentCreate":             fulfillmentCreate,
	"fulfillmentEventCreate":        fulfillmentEventCreate,
	"fulfillmentOrderHold":          fulfillmentOrderHold,
	"fulfillmentOrderMove":          fulfillmentOrderMove,
	"fulfillmentOrderReleaseHold":   fulfillmentOrderReleaseHold,
	"fulfillmentTrackingInfoUpdate": fulfillmentTrackingInfoUpdate,
	"inventoryAdjustQuantities":     inventoryAdjustQuantities,
	"inventorySetQuantities":        inventorySetQuantities,
	"orderCancel":                   orderCancel,
	"orderClose":                    orderClose,
	"orderEditAddVariant":           orderEditAddVariant,
	"orderEditBegin":                orderEditBegin,
	"orderEditCommit":               orderEditCommit,
	"orderEditSetQuantity":          orderEditSetQuantity,
	"orderMarkAsPaid":               orderMarkAsPaid,
	"orderUpdate":                   orderUpdate,
	"productVariantsBulkUpdate":     productVariantsBulkUpdate,
	"refundCreate":                  refundCreate,
	"returnApproveRequest":          returnApproveRequest,
	"returnCancel":                  returnCancel,
	"returnClose":                   returnClose,
	"returnCreate":                  returnCreate,
	"returnDeclineRequest":          returnDeclineRequest,
	"returnProcess":                 returnProcess,
	"returnRequest":                 returnRequest,
	"tagsAdd":                       tagsAdd,
	"tagsRemove":                    tagsRemove,
	"webhookSubscriptionCreate":     webhookSubscriptionCreate,
	"webhookSubscriptionDelete":     webhookSubscriptionDelete,
	"webhookSubscriptionUpdate":     webhookSubscriptionUpdate,
}

// keyed are the mutations that refuse to run without @idempotent from 2026-04 on.
var keyed = []string{"inventorySetQuantities", "inventoryAdjustQuantities", "refundCreate"}

// attempt is what an idempotency key stands for: one mutation with its arguments, and what it answered.
type attempt struct {
	name, input string
	payload     object
	failed      bool
}

func (s *Shop) mutate(f *ast.Field, a args, x *execution) (any, *gqlError) {
	if err := s.allowed(f.Name); err != nil {
		return nil, err
	}
	m := &mutation{s: s, e: s.newEvent(), name: f.Name}
	if d := f.Directives.ForName("idempotent"); d != nil {
		m.key = args(d.ArgumentMap(x.vars)).text("key")
	}
	if slices.Contains(keyed, f.Name) {
		if m.key == "" {
			return nil, &gqlError{
				Message:    "The @idempotent directive is required for this mutation but was not provided.",
				Extensions: kv{"code": "BAD_REQUEST"},
			}
		}
		if payload, err, done := s.replay(m, a); done {
			return payload, err
		}
	}
	payload := mutations[f.Name](m, a)
	if m.key != "" {
		s.keys[m.key] = &attempt{name: f.Name, input: a.canonical(), payload: payload, failed: refusal(payload) != ""}
	}
	s.tell(m.e)
	return payload, nil
}

// replay answers a key that was seen before: the same answer for the same arguments, an error otherwise. A first attempt that was refused
// spoils its key.
func (s *Shop) replay(m *mutation, a args) (any, *gqlError, bool) {
	old := s.keys[m.key]
	if old == nil {
		return nil, nil, false
	}
	code := ""
	switch {
	case old.name != m.name || old.input != a.canonical():
		code = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
	case old.failed:
		code = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
	default:
		return old.payload, nil, true
	}
	message := map[string]string{
		"IDEMPOTENCY_KEY_PARAMETER_MISMATCH":  "The same idempotency key cannot be used with different operation parameters.",
		"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": "The previous attempt with this idempotency key failed. Use a new key to retry.",
	}[code]
	if m.name == "refundCreate" { // its user errors carry no code
		return nil, &gqlError{Message: message, Extensions: kv{"code": code}}, true
	}
	return m.refuse(payloadType(m.name), userError(code, message, "idempotencyKey")), nil, true
}

func payloadType(mutation string) string {
	return strings.ToUpper(mutation[:1]) + mutation[1:] + "Payload"
}

// problem is one user error, before it has a type.
type problem struct {
	code, message string
	field         []string
}

func userError(code, message string, field ...string) problem { return problem{code, message, field} }

// errorTypes are the user error types of payloads that have one of their own; the others use UserError, which has no code.
var errorTypes = map[string]string{
	"InventorySetQuantitiesPayload": "InventorySetQuantitiesUserError", "InventoryAdjustQuantitiesPayload": "InventoryAdjustQuantitiesUserError",
	"ProductVariantsBulkUpdatePayload": "ProductVariantsBulkUpdateUserError", "FulfillmentOrderMovePayload": "FulfillmentOrderMoveFulfillmentOrderMoveUserError",
	"FulfillmentOrderHoldPayload": "FulfillmentOrderHoldUserError", "FulfillmentOrderReleaseHoldPayload": "FulfillmentOrderReleaseHoldUserError",
	"ReturnCreatePayload": "ReturnUserError", "ReturnApproveRequestPayload": "ReturnUserError", "ReturnDeclineRequestPayload": "ReturnUserError",
	"ReturnProcessPayload": "ReturnUserError", "ReturnClosePayload": "ReturnUserError", "ReturnCancelPayload": "ReturnUserError",
	"ReturnRequestPayload": "ReturnUserError", "OrderCancelPayload": "OrderCancelUserError",
}

// refuse is the payload of a mutation that did nothing.
func (m *mutation) refuse(typ string, problems ...problem) record {
	errType := errorTypes[typ]
	list := make([]object, 0, len(problems))
	for _, p := range problems {
		values := kv{"message": p.message, "field": nil, "code": nil}
		if len(p.field) > 0 {
			values["field"] = p.field
		}
		if p.code != "" {
			values["code"] = p.code
		}
		if errType == "" {
			errType = "UserError"
		}
		list = append(list, record{errType, values})
	}
	values := kv{"userErrors": list}
	if typ == "OrderCancelPayload" {
		values = kv{"orderCancelUserErrors": list, "userErrors": []object{}}
	}
	return record{typ, values}
}

func (m *mutation) no(code, message string, field ...string) object {
	return m.refuse(payloadType(m.name), userError(code, message, field...))
}

// done is the payload of a mutation that worked.
func (m *mutation) done(values kv) object {
	values["userErrors"] = []object{}
	if m.name == "orderCancel" {
		values["orderCancelUserErrors"] = []object{}
	}
	return record{payloadType(m.name), values}
}

// needed are the scopes of root fields; one of them is enough.
var needed = map[string][]string{
	"order": {"read_orders"}, "orders": {"read_orders"}, "ordersCount": {"read_orders"}, "orderByIdentifier": {"read_orders"},
	"refund": {"read_orders"}, "fulfillment": {"read_orders"}, "customer": {"read_customers"},
	"products": {"read_products"}, "product": {"read_products"}, "productVariants": {"read_products"}, "productVariant": {"read_products"},
	"productVariantByIdentifier": {"read_products"},
	"inventoryItem":              {"read_inventory"}, "inventoryItems": {"read_inventory"}, "inventoryLevel": {"read_inventory"},
	"locations": {"read_locations"}, "location": {"read_locations"}, "return": {"read_returns"},
	"fulfillmentOrder": fulfillmentScopes("read"), "fulfillmentOrders": fulfillmentScopes("read"),
	"fulfillmentCreate": fulfillmentScopes("write"), "fulfillmentTrackingInfoUpdate": fulfillmentScopes("write"),
	"fulfillmentCancel": fulfillmentScopes("write"), "fulfillmentOrderMove": fulfillmentScopes("write"),
	"fulfillmentOrderHold": fulfillmentScopes("write"), "fulfillmentOrderReleaseHold": fulfillmentScopes("write"),
	"fulfillmentEventCreate": fulfillmentScopes("write"), "inventorySetQuantities": {"write_inventory"}, "inventoryAdjustQuantities": {"write_inventory"},
	"productVariantsBulkUpdate": {"write_products"}, "orderCancel": {"write_orders"}, "orderMarkAsPaid": {"write_orders"}, "orderUpdate": {"write_orders"},
	"orderClose": {"write_orders"}, "refundCreate": {"write_orders"}, "tagsAdd": {"write_orders", "write_products"}, "tagsRemove": {"write_orders", "write_products"},
	"orderEditBegin": {"write_order_edits"}, "orderEditSetQuantity": {"write_order_edits"}, "orderEditAddVariant": {"write_order_edits"}, "orderEditCommit": {"write_order_edits"},
	"returnCreate": {"write_returns"}, "returnRequest": {"write_returns"}, "returnApproveRequest": {"write_returns"}, "returnDeclineRequest": {"write_returns"},
	"returnProcess": {"write_returns"}, "returnClose": {"write_returns"}, "returnCancel": {"write_returns"},
}

func fulfillmentScopes(verb string) []string {
	return []string{verb + "_merchant_managed_fulfillment_orders", verb + "_assigned_fulfillment_orders", verb + "_third_party_fulfillment_orders"}
}

// AllScopes are the access scopes that the simulated fields ask for.
func AllScopes() []string {
	all := []string{"read_all_orders"}
	for _, list := range needed {
		all = append(all, list...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (s *Shop) allowed(field string) *gqlError {
	want := needed[field]
	if len(want) == 0 || slices.ContainsFunc(want, func(sc string) bool {
		return s.scopes[sc] || s.scopes[strings.Replace(sc, "read_", "write_", 1)] // write access holds read access
	}) {
		return nil
	}
	access := fmt.Sprintf("`%s` access scope.", strings.Join(want, "` or `"))
	return &gqlError{
		Message:    fmt.Sprintf("Access denied for %s field. Required access: %s", field, access),
		Extensions: kv{"code": "ACCESS_DENIED", "documentation": "https://shopify.dev/api/usage/access-scopes", "requiredAccess": access},
	}
}
