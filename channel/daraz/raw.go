package daraz

import (
	"encoding/json"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Shape of the raw kept for one order: the document "order" is the object of /orders/get or /order/get, "items" the array of its unit rows, both
// byte for byte as Daraz sent them.
const shape = "order+items"

func rawOf(order, items json.RawMessage) channel.Raw {
	return channel.Raw{Shape: shape, Docs: []channel.Doc{{Name: "order", Body: order}, {Name: "items", Body: items}}}
}

// rawOrder is the order document as far as we read it. The documented list of fields is a ceiling: any of them may be absent.
type rawOrder struct {
	OrderID     iop.Scalar `json:"order_id"`
	OrderNumber iop.Scalar `json:"order_number"`
	CreatedAt   iop.Scalar `json:"created_at"`
	UpdatedAt   iop.Scalar `json:"updated_at"`

	PaymentMethod  iop.Scalar `json:"payment_method"`
	Price          iop.Scalar `json:"price"`
	Voucher        iop.Scalar `json:"voucher"`
	VoucherSeller  iop.Scalar `json:"voucher_seller"`
	VoucherChannel iop.Scalar `json:"voucher_platform"`
	VoucherCode    iop.Scalar `json:"voucher_code"`
	Shipping       iop.Scalar `json:"shipping_fee"`
	ShippingFull   iop.Scalar `json:"shipping_fee_original"`
	ShippingSeller iop.Scalar `json:"shipping_fee_discount_seller"`
	ShippingOurs   iop.Scalar `json:"shipping_fee_discount_platform"`
	CashFee        iop.Scalar `json:"cash_payment_fee"`

	ItemsCount iop.Scalar           `json:"items_count"`
	Statuses   iop.List[iop.Scalar] `json:"statuses"`
	Promised   iop.Scalar           `json:"promised_shipping_times"`
	Warehouse  iop.Scalar           `json:"warehouse_code"`
	Delivery   iop.Scalar           `json:"delivery_info"`
	GiftOption iop.Scalar           `json:"gift_option"`

	NeedCancelConfirm iop.Scalar `json:"need_cancel_confirm"`
	CancelPending     iop.Scalar `json:"is_cancel_pending"`

	FirstName    iop.Scalar  `json:"customer_first_name"`
	LastName     iop.Scalar  `json:"customer_last_name"`
	TaxCode      iop.Scalar  `json:"tax_code"`
	BranchNumber iop.Scalar  `json:"branch_number"`
	BuyerNote    iop.Scalar  `json:"buyer_note"`
	Remarks      iop.Scalar  `json:"remarks"`
	GiftMessage  iop.Scalar  `json:"gift_message"`
	ShipTo       *rawAddress `json:"address_shipping"`
	BillTo       *rawAddress `json:"address_billing"`
}

// rawAddress: address1 is the street, address3 the province, address4 the city, address5 the third-level area; address2 is unused.
type rawAddress struct {
	FirstName iop.Scalar `json:"first_name"`
	LastName  iop.Scalar `json:"last_name"`
	Phone     iop.Scalar `json:"phone"`
	Phone2    iop.Scalar `json:"phone2"`
	Address1  iop.Scalar `json:"address1"`
	Address2  iop.Scalar `json:"address2"`
	Address3  iop.Scalar `json:"address3"`
	Address4  iop.Scalar `json:"address4"`
	Address5  iop.Scalar `json:"address5"`
	City      iop.Scalar `json:"city"`
	PostCode  iop.Scalar `json:"post_code"`
	Country   iop.Scalar `json:"country"`
	// The district has a key that is misspelt in one place and right in another.
	Dsitrict iop.Scalar `json:"addressDsitrict"`
	District iop.Scalar `json:"addressDistrict"`
}

// UnmarshalJSON takes an object; anything else ("null", "") is no address.
func (a *rawAddress) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '{' {
		return nil
	}
	type plain rawAddress
	return json.Unmarshal(data, (*plain)(a))
}

// rawItem is one row, which is one unit: there is no quantity. Left out on purpose: reason_detail, in which a buyer may have typed anything (it stays in the
// sealed raw), and wallet_credits, which are a way to pay.
type rawItem struct {
	OrderItemID iop.Scalar `json:"order_item_id"`
	OrderID     iop.Scalar `json:"order_id"`
	BuyerID     iop.Scalar `json:"buyer_id"`

	SKU       iop.Scalar `json:"sku"`
	ShopSKU   iop.Scalar `json:"shop_sku"`
	SkuID     iop.Scalar `json:"sku_id"`
	ProductID iop.Scalar `json:"product_id"`
	Name      iop.Scalar `json:"name"`
	Variation iop.Scalar `json:"variation"`

	Currency       iop.Scalar `json:"currency"`
	ItemPrice      iop.Scalar `json:"item_price"`
	PaidPrice      iop.Scalar `json:"paid_price"`
	Voucher        iop.Scalar `json:"voucher_amount"`
	VoucherSeller  iop.Scalar `json:"voucher_seller"`
	VoucherChannel iop.Scalar `json:"voucher_platform"`
	BonusSeller    iop.Scalar `json:"voucher_seller_lpi"`
	BonusChannel   iop.Scalar `json:"voucher_platform_lpi"`
	CodeSeller     iop.Scalar `json:"voucher_code_seller"`
	CodeChannel    iop.Scalar `json:"voucher_code_platform"`
	VoucherCode    iop.Scalar `json:"voucher_code"`
	Tax            iop.Scalar `json:"tax_amount"`
	Shipping       iop.Scalar `json:"shipping_amount"`

	Status      iop.Scalar `json:"status"`
	Reason      iop.Scalar `json:"reason"`
	Initiator   iop.Scalar `json:"cancel_return_initiator"`
	StagePay    iop.Scalar `json:"stage_pay_status"`
	PaymentTime iop.Scalar `json:"payment_time"`
	CreatedAt   iop.Scalar `json:"created_at"`
	UpdatedAt   iop.Scalar `json:"updated_at"`

	PackageID    iop.Scalar `json:"package_id"`
	Tracking     iop.Scalar `json:"tracking_code"`
	Provider     iop.Scalar `json:"shipment_provider"`
	ProviderType iop.Scalar `json:"shipping_provider_type"`
	ShippingType iop.Scalar `json:"shipping_type"`
	Warehouse    iop.Scalar `json:"warehouse_code"`
	FBL          iop.Scalar `json:"is_fbl"`
	OwnFleet     iop.Scalar `json:"delivery_option_sof"`
	Digital      iop.Scalar `json:"is_digital"`
	SLA          iop.Scalar `json:"sla_time_stamp"`
	Promised     iop.Scalar `json:"promised_shipping_time"`
	DeliverTill  iop.Scalar `json:"schedule_delivery_end_timeslot"`
	OrderType    iop.Scalar `json:"order_type"`
	OrderFlag    iop.Scalar `json:"order_flag"`

	NeedCancelConfirm iop.Scalar `json:"need_cancel_confirm"`
	CancelPending     iop.Scalar `json:"is_cancel_pending"`
	CancelTrigger     iop.Scalar `json:"cancel_trigger_time"`
	ReverseOrderID    iop.Scalar `json:"reverse_order_id"`
}

// theirs says that Daraz fulfils the unit from its own warehouse (FBD).
func (r *rawItem) theirs() bool {
	switch lower(r.ShippingType) {
	case "own warehouse", "ownwarehouse", "warehouse":
		return true
	}
	return r.FBL.Bool()
}

func (r *rawItem) digital() bool { return r.Digital.Bool() || lower(r.ProviderType) == "digital" }

// key is what makes rows alike. It is built from what does not change during a unit's life, so that it is stable over reads.
func (r *rawItem) key() string {
	parts := []iop.Scalar{r.SKU, r.ShopSKU, r.ItemPrice, r.PaidPrice, r.Currency}
	if r.SKU == "" && r.ShopSKU == "" {
		// Rows without either key are still different things when Daraz says so.
		parts = append(parts, r.SkuID, r.ProductID, r.Name)
	}
	by := "seller"
	if r.theirs() {
		by = "daraz"
	}
	return joinKey(append(parts, iop.Scalar(by)))
}

func readOrder(body []byte) (rawOrder, error) {
	var o rawOrder
	if err := json.Unmarshal(body, &o); err != nil {
		return o, &fault.Error{Kind: fault.Invalid, Field: "order", Message: "is no order document", Err: err}
	}
	if o.OrderID == "" {
		return o, fault.Field("order.order_id", "is missing")
	}
	return o, nil
}

func readItems(body []byte) ([]rawItem, error) {
	var items iop.List[rawItem]
	if err := json.Unmarshal(body, &items); err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Field: "items", Message: "is no list of unit rows", Err: err}
	}
	if len(items) == 0 {
		return nil, fault.Field("items", "the order has no unit rows")
	}
	return items, nil
}
