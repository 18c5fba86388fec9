package api

import (
	"context"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

type shipmentList struct {
	Paging
	Location string   `query:"location" maxLength:"100" doc:"Id or code"`
	States   []string `query:"state" maxItems:"20" enum:"intended,issued,handed_over,in_transit,out_for_delivery,attempted,delivered,returning,returned,lost,cancelled,refused,unknown"`
	Account  string   `query:"account" maxLength:"100"`
	Order    string   `query:"order" maxLength:"200"`
	Courier  string   `query:"courier" maxLength:"100"`
	Tracking string   `query:"tracking_number" maxLength:"100"`
	Number   string   `query:"number" maxLength:"100"`
}

type shipmentWaybill struct {
	Action
	Body struct {
		Carrier  string `json:"carrier" minLength:"1" maxLength:"100"`
		Tracking string `json:"tracking_number" minLength:"1" maxLength:"100"`
		URL      string `json:"tracking_url,omitempty" maxLength:"1000" format:"uri"`
	}
}

type shipmentHandOver struct {
	Write
	One
	Body struct {
		At time.Time `json:"at,omitempty" doc:"When it was scanned; default now"`
	}
}

func (in shipmentHandOver) resource() string { return in.ID }

type shipmentScan struct {
	Write
	One
	Body struct {
		Status   string    `json:"status" enum:"picked_up,in_transit,out_for_delivery,delivery_attempted,awaiting_instruction,ready_for_pickup,on_hold,delivered,return_initiated,return_in_transit,returned,lost,destroyed" doc:"What somebody says about the parcel"`
		At       time.Time `json:"at" doc:"When it happened, RFC 3339 with its zone"`
		Location string    `json:"location,omitempty" maxLength:"200" doc:"A place, never a person"`
		Text     string    `json:"text,omitempty" maxLength:"500"`
		Corrects bool      `json:"corrects,omitempty" doc:"Takes an earlier delivery back"`
	}
}

func (in shipmentScan) resource() string { return in.ID }

type shipmentReason struct {
	Action
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

type shipmentOnly struct{ Action }

type shipmentRebook struct {
	Action
	Body struct {
		Courier string `json:"courier,omitempty" maxLength:"100" doc:"Missing: as before"`
	}
}

// label is a document to print.
type label struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *Server) shipmentRoutes() {
	if s.Dispatch == nil {
		return
	}
	const tag = "shipments"
	read(s, route{path: "/shipments", id: "list-shipments", title: "List shipments", tag: tag, text: "Newest first."}, func(tx *db.Tx, in *shipmentList) (dispatch.Page, error) {
		f := dispatch.Filter{States: in.States, Account: in.Account, Courier: in.Courier, Tracking: in.Tracking, Number: in.Number}
		var err error
		if f.Location, err = s.location(tx, "location", in.Location); err != nil {
			return dispatch.Page{}, err
		}
		if in.Order != "" {
			v, err := s.Order.Get(tx, in.Order)
			if err != nil {
				return dispatch.Page{}, err
			}
			f.Order = v.ID
		}
		p, err := s.Dispatch.List(tx, f, in.After, in.Limit)
		p.Items = orEmpty(p.Items)
		return p, err
	})
	read(s, route{path: "/shipments/{id}", id: "get-shipment", title: "Read a shipment", tag: tag, text: "By id, number or tracking number."}, func(tx *db.Tx, in *One) (dispatch.Shipment, error) { return s.Dispatch.Get(tx, in.ID) })
	read(s, route{path: "/shipments/{id}/scans", id: "list-scans", title: "What was said about a parcel on its way", tag: tag}, func(tx *db.Tx, in *One) (Page[dispatch.ScanView], error) {
		x, err := s.Dispatch.Get(tx, in.ID)
		if err != nil {
			return Page[dispatch.ScanView]{}, err
		}
		scans, err := s.Dispatch.Scans(tx, x.ID)
		return Page[dispatch.ScanView]{Items: orEmpty(scans)}, err
	})
	document(s, route{path: "/shipments/{id}/label", id: "get-label", title: "The label to print", tag: tag, scope: access.Write, text: "It bears the buyer's name and address: reading it is written down."}, func(ctx context.Context, in *One) (*label, error) {
		who, _ := access.From(ctx)
		d, err := s.Dispatch.Label(ctx, in.ID, who.Actor())
		if err != nil {
			return nil, err
		}
		media := map[string]string{"pdf": "application/pdf", "html": "text/html; charset=utf-8", "zpl": "application/zpl", "png": "image/png"}[d.Format]
		if media == "" {
			media = "application/octet-stream"
		}
		return &label{ContentType: media, Disposition: `attachment; filename="label.` + d.Format + `"`, Body: d.Body}, nil
	})
	s.shipmentActions(tag)
}

func (s *Server) shipmentActions(tag string) {
	d := s.Dispatch
	show := func(tx *db.Tx, id string) (dispatch.Shipment, error) { return d.Get(tx, id) }
	write(s, route{path: "/shipments/{id}/waybill", id: "set-waybill", title: "Give a parcel the carrier and number that a person typed", tag: tag}, func(ctx context.Context, c *call, in *shipmentWaybill) error {
		id, err := s.shipmentID(ctx, in.ID)
		if err != nil {
			return err
		}
		_, err = d.Waybill(ctx, id, c.version, c.actor, courier.Waybill{Carrier: in.Body.Carrier, Tracking: in.Body.Tracking, URL: in.Body.URL})
		return err
	}, show)
	write(s, route{
		path: "/shipments/{id}/hand-over", id: "hand-over-shipment", title: "The carrier has the parcel", tag: tag,
		text: "By id, number or tracking number, as scanned. The point of no return: order, stock and fulfillment follow at once, the channel is told. Scanning twice changes nothing, so no If-Match.",
	},
		func(ctx context.Context, c *call, in *shipmentHandOver) error {
			at := in.Body.At
			if at.IsZero() {
				at = s.DB.Now()
			}
			x, err := d.HandOver(ctx, in.ID, c.actor, at)
			if err == nil {
				c.about(x.ID)
			}
			return err
		}, show)
	write(s, route{path: "/shipments/{id}/take-back", id: "take-back-shipment", title: "Take a hand-over back", tag: tag, text: "As long as the carrier has not scanned the parcel."}, func(ctx context.Context, c *call, in *shipmentOnly) error {
		_, err := d.Unhand(ctx, in.ID, c.version, c.actor)
		return err
	}, show)
	write(s, route{path: "/shipments/{id}/scan", id: "scan-shipment", title: "Record what is said about a parcel", tag: tag, text: "A fact: kept once, applied where the parcel's life allows it, shown to a person where not."}, func(ctx context.Context, c *call, in *shipmentScan) error {
		if in.Body.At.After(s.DB.Now().Add(10 * time.Minute)) {
			return fault.Field("at", "lies in the future")
		}
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			x, err := d.Get(tx, in.ID)
			if err != nil {
				return err
			}
			c.about(x.ID)
			_, err = d.Scan(tx, []dispatch.ScanFact{{Shipment: x.ID, Source: dispatch.BySeller, Actor: c.actor, Scan: courier.Scan{
				Status: courier.Status(in.Body.Status), Raw: in.Body.Status, Text: in.Body.Text,
				At: in.Body.At.UTC(), RawAt: in.Body.At.Format(time.RFC3339), Location: in.Body.Location, Corrects: in.Body.Corrects,
			}}})
			return err
		})
	}, show)
	write(s, route{path: "/shipments/{id}/cancel", id: "cancel-shipment", title: "Call a shipment off before hand-over", tag: tag, text: "The parcel stays packed; a waybill that was issued is voided at the courier.", status: http.StatusAccepted}, func(ctx context.Context, c *call, in *shipmentReason) error {
		_, err := d.Cancel(ctx, in.ID, c.version, c.actor, in.Body.Reason)
		return err
	}, show)
	write(s, route{path: "/shipments/{id}/rebook", id: "rebook-shipment", title: "Give a packed parcel another waybill", tag: tag, status: http.StatusAccepted}, func(ctx context.Context, c *call, in *shipmentRebook) error {
		x, err := d.Rebook(ctx, in.ID, c.version, c.actor, in.Body.Courier)
		if err == nil {
			c.about(x.ID)
		}
		return err
	}, show)
}

func (s *Server) shipmentID(ctx context.Context, ref string) (id string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		x, err := s.Dispatch.Get(tx, ref)
		id = x.ID
		return err
	})
	return id, err
}
