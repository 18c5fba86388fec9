package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

type workList struct {
	Paging
	Location string   `query:"location" maxLength:"100" doc:"Id or code"`
	States   []string `query:"state" maxItems:"20" enum:"new,accepted,held,picking,picked,packed,handed_over,cancelled,moved,rejected"`
	Account  string   `query:"account" maxLength:"100"`
	Order    string   `query:"order" maxLength:"200"`
}

type pickListQuery struct {
	Location string `query:"location" required:"true" minLength:"1" maxLength:"100" doc:"Id or code"`
	Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many fulfillment orders"`
}

type slipQuery struct {
	ID   string `path:"id" maxLength:"200"`
	Lang string `query:"lang" enum:"en,ur,ar" default:"en" doc:"What it is printed in"`
}

type pickPaperQuery struct {
	Location string `query:"location" required:"true" minLength:"1" maxLength:"100" doc:"Id or code"`
	Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many fulfillment orders"`
	Lang     string `query:"lang" enum:"en,ur,ar" default:"en" doc:"What it is printed in"`
}

// Paper prints documents. What is not the caller's is as if there were none.
type Paper interface {
	Slip(ctx context.Context, who access.Caller, fulfillmentOrder, lang string) ([]byte, error)
	Picking(ctx context.Context, who access.Caller, location, lang string, limit int) ([]byte, error)
}

type workOnly struct{ Action }

type workReason struct {
	Action
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

type workMove struct {
	Action
	Body struct {
		To string `json:"to" minLength:"1" maxLength:"100" doc:"Location, id or code"`
	}
}

// workLine is so many units of a line of a fulfillment order.
type workLine struct {
	Line     string `json:"line_id" minLength:"1" maxLength:"100"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000000"`
}

type workSplit struct {
	Action
	Body struct {
		Lines []workLine `json:"lines" minItems:"1" maxItems:"500"`
	}
}

type workMerge struct {
	Action
	Body struct {
		Other string `json:"other" minLength:"1" maxLength:"100" doc:"The fulfillment order that is joined into this one"`
	}
}

type workReject struct {
	Action
	Body struct {
		Reason string     `json:"reason" enum:"not_found,damaged,closed,too_busy" doc:"not_found and damaged correct the location's stock"`
		Lines  []workLine `json:"lines,omitempty" maxItems:"500" doc:"For not_found and damaged: which goods; missing: all that are not packed"`
	}
}

type workScan struct {
	Action
	Body struct {
		Scan     string `json:"scan_id,omitempty" maxLength:"100" doc:"The device's own id of the scan: told again, it changes nothing"`
		Code     string `json:"code" minLength:"1" maxLength:"100" doc:"SKU or GTIN"`
		Quantity int64  `json:"quantity,omitempty" minimum:"1" maximum:"1000000000" default:"1"`
	}
}

type workShort struct {
	Action
	Body workLine
}

type workPack struct {
	Action
	Body struct {
		Boxes []workBox `json:"boxes,omitempty" maxItems:"100" doc:"Missing: one with everything that is picked"`
	}
}

type workBox struct {
	Lines   []workLine `json:"lines,omitempty" maxItems:"500"`
	WeightG int64      `json:"weight_g,omitempty" minimum:"0" maximum:"1000000000"`
}

func boxLines(all []workLine) []fulfillment.BoxLine {
	var out []fulfillment.BoxLine
	for _, l := range all {
		out = append(out, fulfillment.BoxLine{Line: l.Line, Quantity: l.Quantity})
	}
	return out
}

func (s *Server) fulfillmentRoutes() {
	if s.Fulfillment == nil {
		return
	}
	const tag = "fulfillment-orders"
	read(s, route{path: "/fulfillment-orders", id: "list-fulfillment-orders", title: "What locations are to do", tag: tag, text: "The earliest deadline first."}, func(tx *db.Tx, in *workList) (fulfillment.Page, error) {
		f := fulfillment.Filter{States: in.States, Account: in.Account, Order: in.Order}
		var err error
		if f.Location, err = s.location(tx, "location", in.Location); err != nil {
			return fulfillment.Page{}, err
		}
		if in.Order != "" {
			v, err := s.Order.Get(tx, in.Order)
			if err != nil {
				return fulfillment.Page{}, err
			}
			f.Order = v.ID
		}
		p, err := s.Fulfillment.List(tx, f, in.After, in.Limit)
		if p.Items = orEmpty(p.Items); err == nil {
			err = trim(tx, p.Items)
		}
		return p, err
	})
	read(s, route{path: "/pick-list", id: "pick-list", title: "What is still to be picked at a location, SKU by SKU", tag: tag}, func(tx *db.Tx, in *pickListQuery) (Page[fulfillment.PickLine], error) {
		at, err := s.location(tx, "location", in.Location)
		if err != nil {
			return Page[fulfillment.PickLine]{}, err
		}
		lines, err := s.Fulfillment.PickList(tx, at, in.Limit)
		return Page[fulfillment.PickLine]{Items: orEmpty(lines)}, err
	})
	read(s, route{path: "/fulfillment-orders/{id}", id: "get-fulfillment-order", title: "Read a fulfillment order, with the decision that made it", tag: tag, text: "By id or number."}, func(tx *db.Tx, in *One) (fulfillment.FO, error) {
		return s.showWork(tx, in.ID)
	})
	s.paperRoutes(tag)
	s.sourcingRoutes(tag)
	s.fulfillmentActions(tag)
	s.packing(tag)
}

// paperRoutes are the documents of the warehouse.
func (s *Server) paperRoutes(tag string) {
	const media = "application/pdf"
	document(s, route{
		path: "/fulfillment-orders/{id}/slip", id: "get-packing-slip", title: "The packing slip to print", tag: tag, scope: access.Write,
		text: "A PDF, by id or number. It bears the buyer's name and address: reading it is written down.",
	}, func(ctx context.Context, in *slipQuery) (*label, error) {
		if s.Paper == nil {
			return nil, fault.New(fault.Refused, "this program prints nothing")
		}
		who, _ := access.From(ctx)
		body, err := s.Paper.Slip(ctx, who, in.ID, in.Lang)
		return &label{ContentType: media, Disposition: `attachment; filename="packing-slip.pdf"`, Body: body}, err
	})
	document(s, route{path: "/pick-list.pdf", id: "print-pick-list", title: "What is still to be picked at a location, to print", tag: tag, text: "A PDF in walking order."}, func(ctx context.Context, in *pickPaperQuery) (*label, error) {
		if s.Paper == nil {
			return nil, fault.New(fault.Refused, "this program prints nothing")
		}
		if err := s.touching(ctx, pickListQuery{Location: in.Location, Limit: in.Limit}); err != nil {
			return nil, err
		}
		var at string
		if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) { at, err = s.location(tx, "location", in.Location); return err }); err != nil {
			return nil, err
		}
		who, _ := access.From(ctx)
		body, err := s.Paper.Picking(ctx, who, at, in.Lang, in.Limit)
		return &label{ContentType: media, Disposition: `attachment; filename="pick-list.pdf"`, Body: body}, err
	})
}

type orderSource struct {
	Action
	Body struct {
		Location string `json:"location" minLength:"1" maxLength:"100" doc:"Id or code"`
	}
}

// Sourced are the fulfillment orders of an order.
type Sourced struct {
	OrderID string           `json:"order_id"`
	Items   []fulfillment.FO `json:"items"`
}

// sourcingRoutes explain where an order is to be sent from, and let a person choose.
func (s *Server) sourcingRoutes(tag string) {
	read(s, route{path: "/orders/{id}/sourcing", id: "explain-sourcing", title: "Why each location may send an order, or not", tag: tag, text: "For what no location works on yet, as things are now."}, func(tx *db.Tx, in *One) (Page[fulfillment.Candidate], error) {
		v, err := s.Order.Get(tx, in.ID)
		if err != nil {
			return Page[fulfillment.Candidate]{}, err
		}
		all, err := s.Fulfillment.Explain(tx, v.ID)
		if err == nil {
			all, err = access.Seen(tx, access.Locations, all, candidateAt)
		}
		return Page[fulfillment.Candidate]{Items: orEmpty(all)}, err
	})
	write(s, route{path: "/orders/{id}/source", id: "source-order", title: "Choose the location that sends what nobody works on yet", tag: tag, text: "Also one that turned it down before. Moving a fulfillment order is the way for what a location works on already."},
		func(ctx context.Context, c *call, in *orderSource) error {
			id, err := s.orderAt(ctx, in.ID, c.version)
			if err != nil {
				return err
			}
			var at string
			err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
				at, err = s.location(tx, "location", in.Body.Location)
				return err
			})
			if err != nil {
				return err
			}
			c.about(id)
			_, err = s.Fulfillment.SourceAt(ctx, id, at, c.actor)
			return err
		}, func(tx *db.Tx, id string) (Sourced, error) {
			all, err := s.Fulfillment.Of(tx, id)
			if err == nil {
				all, err = access.Seen(tx, access.Fulfillments, all, func(f fulfillment.FO) string { return f.ID })
			}
			if err == nil {
				err = trim(tx, all)
			}
			return Sourced{id, orEmpty(all)}, err
		})
}

// work registers an action on a fulfillment order.
func work[I any](s *Server, tag, name, title string, do func(ctx context.Context, c *call, id string, in *I) (fulfillment.FO, error)) {
	write(s, route{path: "/fulfillment-orders/{id}/" + name, id: name + "-fulfillment-order", title: title, tag: tag}, func(ctx context.Context, c *call, in *I) error {
		fo, err := do(ctx, c, c.claim.resource, in)
		if err == nil {
			c.about(fo.ID)
		}
		return err
	}, s.showWork)
}

func (s *Server) showWork(tx *db.Tx, id string) (fulfillment.FO, error) {
	fo, err := s.Fulfillment.Get(tx, id)
	if err != nil {
		return fulfillment.FO{}, err
	}
	one := []fulfillment.FO{fo}
	err = trim(tx, one)
	return one[0], err
}

func candidateAt(c fulfillment.Candidate) string { return c.ID }

// trim leaves out of the decisions what other locations had, where they are out of reach.
func trim(tx *db.Tx, all []fulfillment.FO) error {
	for i := range all {
		kept, err := access.Seen(tx, access.Locations, all[i].Decision.Candidates, candidateAt)
		if err != nil {
			return err
		}
		all[i].Decision.Candidates = kept
	}
	return nil
}

// workID finds the id behind a number.
func (s *Server) workID(ctx context.Context, ref string) (id string, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		fo, err := s.Fulfillment.Get(tx, ref)
		id = fo.ID
		return err
	})
	return id, err
}

func (s *Server) fulfillmentActions(tag string) {
	f := s.Fulfillment
	plain := func(name, title string, act func(ctx context.Context, id string, version int64, actor string) (fulfillment.FO, error)) {
		work(s, tag, name, title, func(ctx context.Context, c *call, ref string, _ *workOnly) (fulfillment.FO, error) {
			id, err := s.workID(ctx, ref)
			if err != nil {
				return fulfillment.FO{}, err
			}
			return act(ctx, id, c.version, c.actor)
		})
	}
	plain("accept", "Say that the location will do it", f.Accept)
	plain("unhold", "Go on where hold stopped", f.Unhold)
	plain("unpack", "Open the parcels again; their shipments are called off", f.Unpack)
	work(s, tag, "hold", "Stop the work", func(ctx context.Context, c *call, ref string, in *workReason) (fulfillment.FO, error) {
		id, err := s.workID(ctx, ref)
		if err != nil {
			return fulfillment.FO{}, err
		}
		return f.Hold(ctx, id, c.version, c.actor, in.Body.Reason)
	})
	work(s, tag, "move", "Give the work to another location", func(ctx context.Context, c *call, ref string, in *workMove) (fulfillment.FO, error) {
		id, err := s.workID(ctx, ref)
		if err != nil {
			return fulfillment.FO{}, err
		}
		var to string
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			to, err = s.location(tx, "to", in.Body.To)
			return err
		})
		if err != nil {
			return fulfillment.FO{}, err
		}
		return f.Move(ctx, id, c.version, c.actor, to)
	})
	work(s, tag, "split", "Give part of the work a fulfillment order of its own", func(ctx context.Context, c *call, ref string, in *workSplit) (fulfillment.FO, error) {
		id, err := s.workID(ctx, ref)
		if err != nil {
			return fulfillment.FO{}, err
		}
		return f.Split(ctx, id, c.version, c.actor, boxLines(in.Body.Lines))
	})
	work(s, tag, "merge", "Join another fulfillment order of the same order and location into this one", func(ctx context.Context, c *call, ref string, in *workMerge) (fulfillment.FO, error) {
		id, err := s.workID(ctx, ref)
		if err != nil {
			return fulfillment.FO{}, err
		}
		other, err := s.workID(ctx, in.Body.Other)
		if err != nil {
			return fulfillment.FO{}, err
		}
		return f.Merge(ctx, id, c.version, c.actor, other)
	})
	work(s, tag, "reject", "Say that the location does not do the work", func(ctx context.Context, c *call, ref string, in *workReject) (fulfillment.FO, error) {
		id, err := s.workID(ctx, ref)
		if err != nil {
			return fulfillment.FO{}, err
		}
		return f.Reject(ctx, id, c.version, c.actor, fulfillment.Reason(in.Body.Reason), boxLines(in.Body.Lines))
	})
}

// packing are the steps at the shelf and the bench.
func (s *Server) packing(tag string) {
	f := s.Fulfillment
	scan := func(name, title string, act func(ctx context.Context, id string, version int64, actor string, scan fulfillment.Scan) (fulfillment.FO, error)) {
		work(s, tag, name, title, func(ctx context.Context, c *call, ref string, in *workScan) (fulfillment.FO, error) {
			id, err := s.workID(ctx, ref)
			if err != nil {
				return fulfillment.FO{}, err
			}
			return act(ctx, id, c.version, c.actor, fulfillment.Scan{ID: in.Body.Scan, Code: in.Body.Code, Quantity: in.Body.Quantity})
		})
	}
	scan("pick", "Count scanned goods as picked", f.Pick)
	scan("put-back", "Put picked goods back on the shelf", f.PutBack)
	short := func(name, title string, act func(ctx context.Context, id string, version int64, actor, line string, n int64) (fulfillment.FO, error)) {
		work(s, tag, name, title, func(ctx context.Context, c *call, ref string, in *workShort) (fulfillment.FO, error) {
			id, err := s.workID(ctx, ref)
			if err != nil {
				return fulfillment.FO{}, err
			}
			return act(ctx, id, c.version, c.actor, in.Body.Line, in.Body.Quantity)
		})
	}
	short("short", "Say that units are not on the shelf", f.Short)
	short("found", "Say that missing units were there after all", f.Found)
	write(s, route{
		path: "/fulfillment-orders/{id}/pack", id: "pack-fulfillment-order", title: "Put picked goods into parcels", tag: tag, status: http.StatusAccepted,
		text: "Each parcel becomes a shipment at once; its waybill and label follow from the courier, the channel, or a person.",
	}, func(ctx context.Context, c *call, in *workPack) error {
		id, err := s.workID(ctx, in.ID)
		if err != nil {
			return err
		}
		var boxes []fulfillment.Box
		for _, b := range in.Body.Boxes {
			boxes = append(boxes, fulfillment.Box{Lines: boxLines(b.Lines), WeightG: b.WeightG})
		}
		c.about(id)
		made, err := f.Pack(ctx, id, c.version, c.actor, boxes)
		if err == nil {
			c.about(id + "/" + strings.Join(made.Shipments, ","))
		}
		return err
	}, func(tx *db.Tx, resource string) (fulfillment.PackedAnswer, error) {
		id, made, _ := strings.Cut(resource, "/")
		fo, err := s.showWork(tx, id)
		a := fulfillment.PackedAnswer{FO: fo, Shipments: []string{}}
		if made != "" {
			a.Shipments = strings.Split(made, ",")
		}
		return a, err
	})
}
