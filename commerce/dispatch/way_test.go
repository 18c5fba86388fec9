package dispatch_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
)

func TestWay(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.put("SHIRT", h.wh, 5)
		v := h.sold("1001", []item{{"SHIRT", 2}})
		fos := h.fos(v.ID)
		if len(fos) != 1 || fos[0].Location != h.wh || fos[0].State != "new" {
			t.Fatalf("%+v", fos)
		}
		same(h, "5/2", h.at("SHIRT", h.wh))
		ids := h.packAll(v.ID)
		h.waybill(ids...)
		same(h, "issued", h.shipments(v.ID)[0].State)
		h.handOver(ids...)
		h.handOver(ids...) // a double scan
		same(h, "3/0", h.at("SHIRT", h.wh))
		same(h, "handed_over", h.fos(v.ID)[0].State)
		same(h, int64(2), h.get(v.ID).Lines[0].OnTheWay)
		h.scan(said(ids[0], courier.Delivered, 60))
		h.scan(said(ids[0], courier.Delivered, 60))
		same(h, int64(2), h.get(v.ID).Lines[0].Delivered)
		same(h, "delivered", h.shipments(v.ID)[0].State)
		same(h, []string{event.FulfillmentCreated, event.FulfillmentPacked, event.ShipmentCreated, event.ShipmentHandedOver, event.ShipmentClosed, event.ShipmentDelivered},
			h.types(v.ID, event.FulfillmentCreated, event.FulfillmentPacked, event.ShipmentCreated, event.ShipmentHandedOver, event.ShipmentClosed, event.ShipmentDelivered))
		h.proof()
	})
}
